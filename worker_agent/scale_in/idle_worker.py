"""What a worker without work does about the fleet's size: it lets itself be taken, then ends itself; and what
one of an older version does, which ends between two tasks.

Used by the work loop's thread alone, which looks at no queue meanwhile: between the decision to end and
the call nothing is claimed. What is sent just then waits for another worker, or for the farm to wake.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from contract.idle_workers import LOOKS, may_end
from worker_agent.scale_in.attempts import Attempts
from worker_agent.scale_in.group import OwnGroup
from worker_agent.scale_in.lasting_trouble import LastingTrouble
from worker_agent.scale_in.protection import ChosenToGoError, ScaleInProtection
from worker_agent.tasks.task_queue import TaskQueue

log = logging.getLogger(__name__)

SPREAD: Final = 1.25
"""The time between two looks is up to so many times longer: a fleet that has just ended a job must not
ask in step."""
IDLE_POLL_SECONDS: Final = 2
"""How long a worker that the group may take waits for a message: it hears of its end no sooner."""
NOTICE_SECONDS: Final = 60.0
"""The group's notice to a machine that it has chosen is there within seconds."""
END_SECONDS: Final = 300.0
"""A machine that the group has agreed to end, and did not, works again."""


class IdleWorker:
    """`look_seconds` go by between two looks at the group and the queues, at least."""

    def __init__(
        self,
        *,
        group: OwnGroup,
        queues: Sequence[TaskQueue],
        protection: ScaleInProtection,
        idle_seconds: float,
        look_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        superseded: Callable[[], bool] = lambda: False,
    ) -> None:
        self._superseded = superseded
        self._group = group
        self._queues = queues
        self._protection = protection
        self._idle_seconds = idle_seconds
        self._look_seconds = look_seconds
        self._clock = clock
        self._attempts = Attempts("idle")
        self._upgrade = Attempts("of an older version")
        self._upgrade_at = 0.0
        self._trouble = LastingTrouble(self._make_room, clock)
        self._idle_since = clock()
        self._act_at = 0.0
        self._yeses = 0
        self._end_awaited_until = 0.0
        self._disowned = False

    @property
    def poll_seconds(self) -> int | None:
        """How long to wait for a message at most, when that is short."""
        return IDLE_POLL_SECONDS if self._protection.dropped else None

    def awaits_end(self) -> bool:
        """Whether this machine's end is near, so that nothing may be taken."""
        if self._clock() < self._end_awaited_until:
            return True
        if self._end_awaited_until:
            log.warning("this machine's end did not come: working again")
            self._end_awaited_until = 0.0
            if self._disowned:
                self._disowned = False
                self._protection.assume()
        return False

    def makes_way(self) -> bool:
        """Before a look for a task: whether this machine ends, since another version is deployed.

        Raises nothing.
        """
        if not self.should_make_way():
            return False
        try:
            self._make_way()
        except Exception as error:  # whatever it is, an older version does its work as well
            self._upgrade_at = self._clock() + self._upgrade.seconds_after(error)
            return False
        self._upgrade.succeeded()
        return True

    def should_make_way(self) -> bool:
        """Whether this machine is to end as soon as nothing is in hand, since another version is deployed."""
        return self._clock() >= self._upgrade_at and self._superseded()

    def may_begin(self) -> bool:
        """Before a task. False when the group has chosen this machine: the task is another worker's."""
        try:
            self._protection.take()
        except ChosenToGoError as error:
            log.warning("the group has chosen this machine to go: %s", error)
            self._disowned = True
            self._end_awaited_until = self._clock() + NOTICE_SECONDS
            return False
        return True

    def has_worked(self) -> None:
        """After a task, whatever became of it."""
        self._idle_since = self._clock()
        self._act_at, self._yeses = 0.0, 0
        self._attempts.begin_anew()

    def has_succeeded(self) -> None:
        """After a task that no trouble of this machine stopped."""
        self._trouble.over()

    def found_nothing(self) -> None:
        """Do what is due. Raises nothing, and calls nobody more often than it should."""
        now = self._clock()
        if now < max(self._idle_since + self._idle_seconds, self._act_at):
            return
        try:
            self._act(now)
        except Exception as error:  # whatever it is, the worker goes on looking for work
            self._yeses = 0
            self._act_at = now + self._attempts.seconds_after(error)

    def found_trouble(self) -> None:
        """A machine in trouble is the first to go; if it lasts, another takes its place. Raises nothing."""
        self.found_nothing()
        if not self.awaits_end():
            self._trouble.met()

    def _act(self, now: float) -> None:
        if not self._protection.dropped:
            self._protection.drop()
        tasks = sum(queue.tasks() for queue in self._queues)
        group = self._group.look()
        surplus = may_end(
            self._group.worker_id, idle=group.idle, desired_capacity=group.desired_capacity, tasks=tasks
        )
        self._yeses = self._yeses + 1 if surplus else 0
        if self._yeses >= LOOKS:
            self._end(replaced=False)
            log.info("idle, and one too many: this machine ends")
        if self._yeses in (0, LOOKS):  # a look that must be followed by another has settled nothing
            self._yeses = 0
            self._attempts.succeeded()
        self._act_at = now + random.uniform(self._look_seconds, SPREAD * self._look_seconds)

    def _make_way(self) -> None:
        """Another takes its place only if there is a task for each machine."""
        tasks = sum(queue.tasks() for queue in self._queues)
        replaced = tasks >= max(1, self._group.look().desired_capacity)
        self._end(replaced=replaced)
        log.warning(
            "another version is deployed: this machine ends, %s",
            "and one of that version takes its place" if replaced else "and no other is needed now",
        )

    def _make_room(self) -> None:
        self._end(replaced=True)
        log.warning("this machine's trouble does not end: it goes, and another takes its place")

    def _end(self, *, replaced: bool) -> None:
        self._group.end_worker(replaced=replaced)
        self._end_awaited_until = self._clock() + END_SECONDS
