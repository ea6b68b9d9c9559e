"""Claim, do, record, delete: the agent's life."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contract.tasks import Task, TaskError, decode
from worker_agent.lease import Lease, LeaseKeeper
from worker_agent.metrics import FrameMetrics
from worker_agent.outcome import (
    TROUBLE_SECONDS,
    GiveBack,
    InterruptedTaskError,
    MachineTroubleError,
    Outcome,
)
from worker_agent.patience import held
from worker_agent.task_queue import LeaseLostError, Message, TaskQueue

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (1, 60)
"""First and longest wait after an error that is no task's fault: a silent service, a full disk."""

Handler = Callable[[Any, Lease], Outcome]


class WorkLoop:
    """Looks at the queues in their order, and does one task at a time until told to stop."""

    def __init__(
        self,
        *,
        queues: Sequence[TaskQueue],
        dead_letters: TaskQueue,
        handlers: Mapping[type[Task], Handler],
        leases: LeaseKeeper,
        metrics: FrameMetrics,
        stop: threading.Event,
        on_lease_lost: Callable[[], None],
        lease_seconds: int,
        poll_seconds: int,
        require_fit_machine: Callable[[], None] = lambda: None,
    ) -> None:
        self._queues = queues
        self._dead_letters = dead_letters
        self._handlers = handlers
        self._leases = leases
        self._metrics = metrics
        self._stop = stop
        self._on_lease_lost = on_lease_lost
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._require_fit_machine = require_fit_machine
        self._failures = 0
        self._trouble = ""

    def run(self) -> None:
        """Until the stop event is set. An error of a service is waited out, never the end of the agent."""
        while not self._stop.is_set():
            try:
                self._turn()
                self._failures, self._trouble = 0, ""
            except MachineTroubleError as error:
                self._failures += 1
                self._say_once(str(error))
                self._stop.wait(self._back_off())
            except Exception:
                self._failures += 1
                log.exception("could not work; trying again")
                self._stop.wait(self._back_off())
        self._metrics.send()

    def _turn(self) -> None:
        """One task, or none. Raises MachineTroubleError while this machine should take none."""
        self._require_fit_machine()
        claimed = self._claim()
        if claimed:
            self._work(*claimed)
        self._metrics.send_if_due()

    def _claim(self) -> tuple[TaskQueue, Message] | None:
        """One message of the first queue that has any; only the last queue is waited for."""
        for queue in self._queues:
            wait_seconds = self._poll_seconds if queue is self._queues[-1] else 0
            message = queue.receive(wait_seconds=wait_seconds, lease_seconds=self._lease_seconds)
            if message:
                return queue, message
            if self._stop.is_set():
                return None
        return None

    def _work(self, queue: TaskQueue, message: Message) -> None:
        """Do one message's task, and delete the message or give it back, whatever happens."""
        try:
            task = decode(message.body)
        except TaskError as error:
            log.error("message %s is no task: %s", message.id, error)
            self._dead_letters.send_body(message.body)
            queue.delete(message)
            return
        with self._leases.hold(queue, message, on_lost=self._on_lease_lost) as lease:
            try:
                outcome = self._do(task, lease)
            except InterruptedTaskError as error:
                log.info("%s interrupted: %s", task, error)
                self._give_back(lease, 0)
                return
            except MachineTroubleError:
                self._give_back(lease, TROUBLE_SECONDS)
                raise
            except Exception:
                self._give_back(lease, int(self._back_off()))
                raise
            log.info("%s: %s", task, outcome.note)
            if isinstance(outcome, GiveBack):
                self._give_back(lease, outcome.delay_seconds)
            elif not lease.lost:
                queue.delete(message)

    def _do(self, task: Task, lease: Lease) -> Outcome:
        if self._stop.is_set():
            raise InterruptedTaskError("the worker is stopping")
        try:
            with held(lease, give_up=self._stop.is_set):
                return self._handlers[type(task)](task, lease)
        finally:
            lease.settle()

    def _give_back(self, lease: Lease, delay_seconds: int) -> None:
        if lease.lost:
            return
        try:
            lease.queue.give_back(lease.message, delay_seconds)
        except LeaseLostError as error:
            log.info("nothing to give back: %s", error)

    def _say_once(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("taking no work: %s", trouble)
        self._trouble = trouble

    def _back_off(self) -> float:
        first, longest = BACK_OFF_SECONDS
        doublings = min(self._failures, 10)  # a service that is away for a day must not overflow the number
        return random.uniform(first, min(longest, first * 2.0**doublings))
