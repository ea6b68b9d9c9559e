"""A thread that sees to it that a worker which has to go lets go of its tasks in time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from contract.tasks import FinishTask, RenderTask, Task
from worker_agent.interruptions.departure import Departure
from worker_agent.interruptions.tasks_in_hand import Held, TasksInHand
from worker_agent.tasks.lease import BlenderUse, Lease

log = logging.getLogger(__name__)

UPLOAD_SECONDS = 10.0
"""Kept for what comes after a frame: its upload and its record."""
LAST_SECONDS = 2.0
"""Kept for giving back a task that its handler does not let go of."""
PATIENCE_SECONDS = 3.0
"""From Blender's end until a handler that does not notice it loses its task."""
LOOK_SECONDS = 0.1
_LONG_SECONDS = 3600.0


class Verdict(Enum):
    WAIT = "it will be done in time"
    KILL = "it will not be done in time"
    TAKE_AWAY = "there is no time left"


def judge(
    task: Task,
    *,
    use: BlenderUse,
    scene_is_open: bool,
    frame_seconds: float | None,
    seconds_left: float,
    seconds_since_kill: float | None,
) -> Verdict:
    """What is to become of a task whose worker has to go within `seconds_left`.

    `frame_seconds` is what the frame still takes, as far as anybody knows (FrameClock.seconds_left).
    """
    if seconds_left <= LAST_SECONDS:
        return Verdict.TAKE_AWAY
    usable_seconds = seconds_left - UPLOAD_SECONDS
    if usable_seconds <= 0:
        return Verdict.KILL  # a frame that is being uploaded goes on: it needs Blender no more
    if isinstance(task, RenderTask) and use is not BlenderUse.AT:
        return Verdict.WAIT  # one that waits for its turn lets go by itself, what was rendered is uploaded
    if seconds_since_kill is not None:
        return Verdict.TAKE_AWAY if seconds_since_kill >= PATIENCE_SECONDS else Verdict.KILL
    if isinstance(task, FinishTask):
        return Verdict.WAIT  # its preview lets go of it by itself; what follows is short
    if not isinstance(task, RenderTask) or not scene_is_open:
        return Verdict.KILL  # a bake, or a scene that is still being opened: nobody knows for how long
    return Verdict.WAIT if frame_seconds is not None and frame_seconds <= usable_seconds else Verdict.KILL


class Blender(Protocol):
    """What is asked of BlenderTurns."""

    def scene_is_open(self, lease: Lease) -> bool: ...

    def frame_seconds_left(self, lease: Lease) -> float | None: ...

    def kill(self, lease: Lease) -> bool: ...


class Drain:
    def __init__(
        self,
        *,
        departure: Departure,
        in_hand: TasksInHand,
        blender: Blender,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._departure = departure
        self._in_hand = in_hand
        self._blender = blender
        self._clock = clock
        self._killed_at: dict[Lease, float] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="drain", daemon=True).start()

    def look(self) -> None:
        """Judge each task in hand once, if the worker has to go, and act on it."""
        held = [held for held in self._in_hand.held if not held.lease.lost]
        if not self._departure.leaving:
            held = []
        leases = {one.lease for one in held}
        self._killed_at = {lease: at for lease, at in self._killed_at.items() if lease in leases}
        for one in held:
            self._look_at(one)

    def _look_at(self, held: Held) -> None:
        killed_at = self._killed_at.get(held.lease)
        verdict = judge(
            held.task,
            use=held.lease.blender_use,
            scene_is_open=self._blender.scene_is_open(held.lease),
            frame_seconds=self._blender.frame_seconds_left(held.lease),
            seconds_left=self._departure.seconds_left(),
            seconds_since_kill=None if killed_at is None else self._clock() - killed_at,
        )
        if verdict is Verdict.WAIT:
            return
        if self._blender.kill(held.lease) and killed_at is None:
            log.info("%s: Blender is killed, %s", held.task, verdict.value)
            self._killed_at[held.lease] = self._clock()
        if verdict is Verdict.TAKE_AWAY:
            self._in_hand.take_away(held)

    def _run(self) -> None:
        while True:
            seen = self._departure.announcements
            self.look()
            self._departure.wait(LOOK_SECONDS if self._departure.leaving else _LONG_SECONDS, seen)
