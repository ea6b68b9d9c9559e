"""Whose turn it is at this worker's Blenders: while one task's frames are uploaded, the next one's render."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from contract.job import Job
from worker_agent.blender import BlenderError
from worker_agent.blender.failure_kinds import others_may_be_why
from worker_agent.seats.seat import Seat
from worker_agent.seats.session_count import SessionCounts
from worker_agent.seats.turn_meter import TurnMeter
from worker_agent.tasks.lease import BlenderUse, Lease
from worker_agent.tasks.outcome import InterruptedTaskError
from worker_agent.watchdog import still_alive

LOOK_SECONDS: Final = 0.25
"""How often one who waits looks whether it still should."""
PATIENCE_SECONDS: Final = 10.0
"""A task was claimed because its turn was near: it is not kept from others for longer than that."""


@dataclass(slots=True)
class _Turn:
    seat: Seat
    most_at_once: int = 1
    """How many had a turn while this one had, itself among them."""
    most_open: int = 1
    """How many seats may have had a Blender open meanwhile, this one among them."""


class BlenderTurns:
    """First come, first served; the seats are for one job at a time, and for a bake alone.

    `changed` is called when a task has done with its Blender.
    """

    def __init__(
        self,
        seats: Sequence[Seat],
        counts: SessionCounts,
        *,
        stopped: Callable[[], bool] = lambda: False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._seats = tuple(seats)
        self._counts = counts
        self._stopped = stopped
        self._changed = changed
        self._waiting: deque[Lease] = deque()
        """Only the first of these may take a seat."""
        self._at: dict[Lease, _Turn] = {}
        self._used: set[Seat] = set()
        """Seats where a Blender may be open."""
        self._job: Job | None = None
        """Whose scene the seats have open, or had last; None: a bake's."""
        self._moved = threading.Condition()

    @contextmanager
    def turn(self, lease: Lease, job: Job | None = None) -> Iterator[Seat]:
        """Wait for this task's turn, and have a seat inside the block: one for its job's frames, or without
        a job the only one, with no other Blender open.

        Raises InterruptedTaskError when the worker has to go meanwhile, or nobody is to do the task.
        """
        try:
            seat = self._take(lease, job)
            lease.blender_use = BlenderUse.AT
            yield seat
        except BlenderError as error:
            if job is not None:
                self._look_for_want_of_room(error, lease, job)
            raise
        finally:
            lease.blender_use = BlenderUse.AFTER
            with self._moved:
                self._at.pop(lease, None)
                self._moved.notify_all()
            self._changed()

    def measured(self, lease: Lease, job: Job, meter: TurnMeter) -> None:
        """The frames of this turn have been rendered: what that says of how many Blenders are useful."""
        with self._moved:
            sessions = self._at[lease].most_at_once
        if turn := meter.end(sessions):
            self._counts.add(job, turn)

    def _look_for_want_of_room(self, error: BlenderError, lease: Lease, job: Job) -> None:
        with self._moved:
            turn = self._at.get(lease)
            sessions = turn.most_open if turn else 1
        if sessions > 1 and others_may_be_why(error, job):
            error.crowded_out = True
            self._counts.fail(job, sessions)

    def kill(self, lease: Lease) -> bool:
        """End this task's Blender at once, from any thread. False when it has none."""
        with self._moved:
            turn = self._at.get(lease)
        return turn is not None and turn.seat.sessions.kill()

    def scene_is_open(self, lease: Lease) -> bool:
        """Whether this task's Blender is ready for frames, or at them. Safe to ask from any thread."""
        with self._moved:
            turn = self._at.get(lease)
        return turn is not None and turn.seat.sessions.scene_is_open

    def frame_seconds_left(self, lease: Lease) -> float | None:
        """About the seconds until its frame is done (0: it is late, or there is none); None: nobody knows."""
        with self._moved:
            turn = self._at.get(lease)
        return turn.seat.clock.seconds_left() if turn else 0.0

    @property
    def sessions(self) -> int:
        """How many Blenders are to render the present job at once."""
        with self._moved:
            return self._count(self._job) if self._job else 1

    @property
    def job_id(self) -> str:
        """Whose frames were rendered last; empty after a bake."""
        with self._moved:
            return self._job.job_id if self._job else ""

    def seconds_until_free(self) -> float | None:
        """About the seconds until one more could have a turn, rather too many than too few; None: unknown."""
        with self._moved:
            at = tuple(self._at.values())
            if not at or (self._job is not None and len(at) < self._count(self._job)):
                return 0.0
            if self._job is None:
                return None
        known = [left for turn in at if (left := turn.seat.clock.turn_seconds_left()) is not None]
        return min(known, default=None)

    def _take(self, lease: Lease, job: Job | None) -> Seat:
        with self._moved:
            self._waiting.append(lease)
            others_render = bool(self._at) and self._job is not None
            is_next = others_render and (job is None or not self._is_at(job))
        try:
            if is_next:
                self._seats[0].sessions.foresee(job)
            seat, others = self._await(lease, job)
            for other in others:  # nobody else is given a seat meanwhile: this task is still the first
                other.sessions.close()
            with self._moved:
                self._used = {*self._used.difference(others), seat}
                self._job = job
                self._at[lease] = _Turn(seat)
                for turn in self._at.values():
                    turn.most_at_once = max(turn.most_at_once, len(self._at))
                    turn.most_open = max(turn.most_open, len(self._used))
            return seat
        finally:
            with self._moved:
                self._waiting.remove(lease)
                self._moved.notify_all()

    def _await(self, lease: Lease, job: Job | None) -> tuple[Seat, list[Seat]]:
        """The seat to take, and those whose Blenders are not wanted beside it."""
        until = time.monotonic() + PATIENCE_SECONDS
        with self._moved:
            while True:
                if self._waiting[0] is lease and (free := self._free(job)):
                    seat = free[0]
                    wanted = self._count(job) if job and self._is_at(job) else 1
                    kept = {seat, *self._seats[:wanted], *(turn.seat for turn in self._at.values())}
                    return seat, list(self._used - kept)
                still_alive()
                self._moved.wait(LOOK_SECONDS)
                if lease.lost or lease.over:
                    raise InterruptedTaskError("nobody is to do the task any more")
                if self._stopped():
                    raise InterruptedTaskError("the worker has to go")
                if time.monotonic() >= until:
                    raise InterruptedTaskError("the frame before it is late: another worker may have it")

    def _free(self, job: Job | None) -> list[Seat]:
        """Seats that a task may take now, the first of them first."""
        if not self._at:
            return list(self._seats[:1])
        if job is None or not self._is_at(job) or len(self._at) >= self._count(job):
            return []
        taken = [turn.seat for turn in self._at.values()]
        return [seat for seat in self._seats if seat not in taken]

    def _is_at(self, job: Job) -> bool:
        at = self._job
        return at is not None and (at.job_id, at.baked_folder) == (job.job_id, job.baked_folder)

    def _count(self, job: Job) -> int:
        return min(self._counts.count(job), len(self._seats))
