"""A job and its tasks: what the farm has seen of them, and the truth."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

from contract.frame_time import JobFrames
from farm.simulate.model import SimulatedJob

CERTAIN_FRAMES: Final = 10**9
"""So many timed frames leave no doubt about how long the rest take."""


@dataclass(slots=True, eq=False)
class Task:
    job: Job
    seconds: float
    is_bake: bool
    began: float = 0.0
    """When it was last taken."""


@dataclass(slots=True, eq=False)
class Job:
    """The state of one job."""

    plan: SimulatedJob
    ended: float | None = None
    frames_left: int = 0
    """Released by the bake, and not done."""
    frames_timed: int = 0
    timed_seconds: float = 0.0
    left_seconds: float = 0.0
    """Of these frames, all of each."""
    running: dict[Task, None] = field(default_factory=dict)
    recent: dict[Taker, deque[float]] = field(default_factory=dict)
    """The last frames of each worker that is at this job."""
    _seen: JobFrames | None = None
    _truth: JobFrames | None = None

    def change(self) -> None:
        """What was seen is so no more."""
        self._seen = self._truth = None

    def seen(self, now: float) -> JobFrames:
        """What the farm knows of its frames."""
        if self._seen is None or self.running:
            self._seen = JobFrames(
                frames_left=self.frames_left,
                frames_timed=self.frames_timed,
                timed_seconds=self.timed_seconds,
                running_seconds=self._running_seconds(now),
                recent_seconds=tuple(seconds for last in self.recent.values() for seconds in last),
            )
        return self._seen

    def truth(self) -> JobFrames:
        """The same, of one who knows how long those that are left take on average."""
        if self._truth is None:
            self._truth = JobFrames(
                frames_left=self.frames_left,
                frames_timed=CERTAIN_FRAMES,
                timed_seconds=self.left_seconds / self.frames_left * CERTAIN_FRAMES,
            )
        return self._truth

    def _running_seconds(self, now: float) -> tuple[float, ...]:
        return tuple(now - task.began for task in self.running)


class Taker(Protocol):
    """Someone who waits for a task with a long poll."""

    @property
    def bakes(self) -> bool: ...
    @property
    def renders(self) -> bool: ...
    def take(self, task: Task) -> None: ...
