"""Claim, do, record, delete: the agent's life."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contract.tasks import Task, TaskError, decode
from worker_agent.interruptions.departure import Departure, Interruption
from worker_agent.interruptions.drain import LAST_SECONDS
from worker_agent.interruptions.farewell import Farewell
from worker_agent.interruptions.task_in_hand import TaskInHand
from worker_agent.lease import Lease, LeaseKeeper
from worker_agent.metrics import FrameMetrics
from worker_agent.outcome import (
    TROUBLE_SECONDS,
    GiveBack,
    InterruptedTaskError,
    MachineTroubleError,
    Outcome,
    Settled,
)
from worker_agent.patience import held
from worker_agent.task_queue import LeaseLostError, Message, TaskQueue

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (1, 60)
"""First and longest wait after an error that is no task's fault: a silent service, a full disk."""

Handler = Callable[[Any, Lease], Outcome]


class WorkLoop:
    """Looks at the queues in their order, and does one task at a time until the worker has to go."""

    def __init__(
        self,
        *,
        queues: Sequence[TaskQueue],
        dead_letters: TaskQueue,
        handlers: Mapping[type[Task], Handler],
        leases: LeaseKeeper,
        metrics: FrameMetrics,
        departure: Departure,
        in_hand: TaskInHand,
        farewell: Farewell,
        on_lease_lost: Callable[[], object],
        lease_seconds: int,
        poll_seconds: int,
        require_fit_machine: Callable[[], None] = lambda: None,
    ) -> None:
        self._queues = queues
        self._dead_letters = dead_letters
        self._handlers = handlers
        self._leases = leases
        self._metrics = metrics
        self._departure = departure
        self._in_hand = in_hand
        self._farewell = farewell
        self._on_lease_lost = on_lease_lost
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._require_fit_machine = require_fit_machine
        self._failures = 0
        self._trouble = ""

    def run(self) -> None:
        """Until the agent is stopped: one whose machine is taken away waits for that, and takes nothing.

        An error of a service is waited out, never the end of the agent.
        """
        while not self._departure.has(Interruption.STOP):
            seen = self._departure.announcements
            try:
                if self._departure.leaving:
                    self._farewell.step(seen)
                else:
                    self._turn()
                self._failures, self._trouble = 0, ""
            except MachineTroubleError as error:
                self._failures += 1
                self._say_once(str(error))
                self._departure.wait(self._back_off(), seen)
            except Exception:
                self._failures += 1
                log.exception("could not work; trying again")
                self._departure.wait(self._back_off(), seen)
        self._farewell.end()
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
            if self._departure.leaving:
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
        with (
            self._leases.hold(queue, message, on_lost=self._on_lease_lost) as lease,
            self._in_hand.hold(task, lease),
        ):
            if self._departure.leaving:
                self._give_back(lease, 0)  # it came just then, and nothing of it was begun
                return
            try:
                outcome = self._do(task, lease)
            except InterruptedTaskError as error:
                log.info("%s interrupted: %s", task, error)
                if self._departure.leaving:
                    self._in_hand.give_back(task, lease)
                else:
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
        try:
            with held(lease, give_up=lambda: self._departure.seconds_left() <= LAST_SECONDS):
                return self._handlers[type(task)](task, lease)
        except InterruptedTaskError as error:
            if not lease.over:
                raise
            return Settled(f"stopped, for nobody is to do it any more: {error}")
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
