"""One message's task: done, and the message deleted or given back, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from contract.tasks import Task, TaskError, decode
from worker_agent.interruptions.departure import Departure
from worker_agent.interruptions.drain import LAST_SECONDS
from worker_agent.interruptions.task_in_hand import TaskInHand
from worker_agent.lease import Lease, LeaseKeeper
from worker_agent.outcome import (
    TROUBLE_SECONDS,
    GiveBack,
    InterruptedTaskError,
    MachineTroubleError,
    Outcome,
    Settled,
)
from worker_agent.patience import held
from worker_agent.scale_in.idle_worker import IdleWorker
from worker_agent.task_queue import LeaseLostError, Message, TaskQueue

log = logging.getLogger(__name__)

Handler = Callable[[Any, Lease], Outcome]


class TaskRunner:
    def __init__(
        self,
        *,
        dead_letters: TaskQueue,
        handlers: Mapping[type[Task], Handler],
        leases: LeaseKeeper,
        departure: Departure,
        in_hand: TaskInHand,
        idle: IdleWorker,
        on_lease_lost: Callable[[], object],
        in_use: Callable[[str], AbstractContextManager[None]] = lambda job_id: nullcontext(),
        has_worked: Callable[[], None] = lambda: None,
    ) -> None:
        """`in_use` counts the time in which a task of a job is held; `has_worked` hears of each done."""
        self._dead_letters = dead_letters
        self._handlers = handlers
        self._leases = leases
        self._departure = departure
        self._in_hand = in_hand
        self._idle = idle
        self._on_lease_lost = on_lease_lost
        self._in_use = in_use
        self._has_worked = has_worked

    def run(self, queue: TaskQueue, message: Message, *, retry_seconds: int) -> None:
        """Raises MachineTroubleError, and whatever nobody foresaw; then it is to be seen again after
        `retry_seconds`."""
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
            self._in_use(task.job_id),
        ):
            if self._departure.leaving or not self._idle.may_begin():
                _give_back(lease, 0)  # it came just then, and nothing of it was begun
                return
            try:
                outcome = self._do(task, lease)
            except InterruptedTaskError as error:
                log.info("%s interrupted: %s", task, error)
                if self._departure.leaving:
                    self._in_hand.give_back(task, lease)
                else:
                    _give_back(lease, 0)
                return
            except MachineTroubleError:
                _give_back(lease, TROUBLE_SECONDS)
                raise
            except Exception:
                _give_back(lease, retry_seconds)
                raise
            log.info("%s: %s", task, outcome.note)
            if isinstance(outcome, GiveBack):
                _give_back(lease, outcome.delay_seconds)
            elif not lease.lost:
                queue.delete(message)
                self._has_worked()

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


def _give_back(lease: Lease, delay_seconds: int) -> None:
    if lease.lost:
        return
    try:
        lease.queue.give_back(lease.message, delay_seconds)
    except LeaseLostError as error:
        log.info("nothing to give back: %s", error)
