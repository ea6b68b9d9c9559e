"""A claimed task: done, and its messages deleted or given back, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from contract.tasks import Task, TaskError, decode
from worker_agent.interruptions.departure import Departure
from worker_agent.interruptions.drain import LAST_SECONDS
from worker_agent.interruptions.tasks_in_hand import TasksInHand
from worker_agent.scale_in.idle_worker import IdleWorker
from worker_agent.services.patience import held
from worker_agent.tasks.claim import Claim, join
from worker_agent.tasks.lease import Lease, LeaseKeeper
from worker_agent.tasks.outcome import (
    TROUBLE_SECONDS,
    GiveBack,
    InterruptedTaskError,
    MachineTroubleError,
    Outcome,
    Settled,
)
from worker_agent.tasks.task_queue import Message, TaskQueue

log = logging.getLogger(__name__)

Handler = Callable[[Any, Lease], Outcome]


class TaskRunner:
    """Used by several threads at once, each with a claim of its own."""

    def __init__(
        self,
        *,
        dead_letters: TaskQueue,
        handlers: Mapping[type[Task], Handler],
        leases: LeaseKeeper,
        departure: Departure,
        in_hand: TasksInHand,
        idle: IdleWorker,
        on_lease_lost: Callable[[Lease], object],
        frames_at_once: Callable[[str], int] = lambda job_id: 1,
        in_use: Callable[[str], AbstractContextManager[None]] = lambda job_id: nullcontext(),
        has_worked: Callable[[], None] = lambda: None,
    ) -> None:
        """`frames_at_once`: how many frames of a job may be claimed together; `in_use` counts the time in
        which a task of a job is held; `has_worked` hears of each done."""
        self._dead_letters = dead_letters
        self._handlers = handlers
        self._leases = leases
        self._departure = departure
        self._in_hand = in_hand
        self._idle = idle
        self._on_lease_lost = on_lease_lost
        self._frames_at_once = frames_at_once
        self._in_use = in_use
        self._has_worked = has_worked

    def run(self, queue: TaskQueue, messages: Sequence[Message], *, retry_seconds: int) -> None:
        """Do what can be done of these at once, and give the rest back.

        Raises MachineTroubleError, and whatever nobody foresaw; then it is to be seen again after
        `retry_seconds`.
        """
        tasks = self._read(queue, messages)
        if not tasks:
            return
        claim, left = join(tasks, most_frames=self._frames_at_once(tasks[0][1].job_id))
        queue.give_back_unused(left)
        self._run(queue, claim, retry_seconds)

    def _read(self, queue: TaskQueue, messages: Sequence[Message]) -> list[tuple[Message, Task]]:
        tasks = []
        for message in messages:
            try:
                tasks.append((message, decode(message.body)))
            except TaskError as error:
                log.error("message %s is no task: %s", message.id, error)
                self._dead_letters.send_body(message.body)
                queue.delete(message)
        return tasks

    def _run(self, queue: TaskQueue, claim: Claim, retry_seconds: int) -> None:
        task = claim.task
        with (
            self._leases.hold(queue, *claim.messages, on_lost=lambda: self._on_lease_lost(lease)) as lease,
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
            if not lease.lost:
                self._end(queue, claim, outcome)

    def _end(self, queue: TaskQueue, claim: Claim, outcome: Outcome) -> None:
        returned: tuple[Message, ...] = ()
        if isinstance(outcome, GiveBack):
            returned = claim.of_frames(outcome.frames)
            queue.give_back_all(returned, outcome.delay_seconds)
        if done := [message for message in claim.messages if message not in returned]:
            queue.delete_all(done)
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
    if not lease.lost:
        lease.queue.give_back_all(lease.messages, delay_seconds)
