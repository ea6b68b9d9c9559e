"""Which frame is being rendered, and how long it will still take, for whoever asks from another thread."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Final

from contract.worker_record import RECENT_FRAMES

LATE_FACTOR: Final = 1.5
LATE_SECONDS: Final = 1.0
"""A frame that takes longer than the slowest of the last few, by so many times and so much, is late."""
TELL_SECONDS: Final = 0.25
"""Of frames that follow in one go, whoever waits is not woken more often: it has reckoned with them."""


class FrameClock:
    """Told by the renderer, asked by whoever must decide whether to wait for the frame.

    `now` gives seconds that only go forward, `epoch` those that people and other machines know; `changed` is
    called when a frame begins, of quick ones in a row not for each.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._now = now
        self._epoch = epoch
        self._changed = changed
        self._lock = threading.Lock()
        self._begun_at: float | None = None
        self._expected_seconds: float | None = None
        self._frames_after = 0
        self._told_at = -math.inf
        self._frame: tuple[int, float] | None = None
        self._recent: tuple[str, tuple[float, ...]] = "", ()

    def turn_to(self, frame: int | None) -> None:
        """Blender is at this frame from now on; None: at none."""
        with self._lock:
            self._frame = None if frame is None else (frame, self._epoch())

    @property
    def frame(self) -> tuple[int, float] | None:
        """The frame that Blender is or was last at, and the epoch seconds at which it began that."""
        with self._lock:
            return self._frame

    def has_rendered(self, job_id: str, seconds: float) -> None:
        """A frame of the job took so long."""
        with self._lock:
            before = self._recent[1] if self._recent[0] == job_id else ()
            self._recent = job_id, (*before, seconds)[-RECENT_FRAMES:]

    def recent_seconds(self, job_id: str) -> tuple[float, ...]:
        """How long the last few frames took, the newest last, if it was this job that was rendered last."""
        with self._lock:
            return self._recent[1] if self._recent[0] == job_id else ()

    def begin(self, expected_seconds: float | None, *, frames_after: int = 0) -> None:
        """A frame has begun, which takes about so long (None: nobody knows), and so many follow in one go."""
        with self._lock:
            now = self._now()
            foretold = self._begun_at is not None and frames_after == self._frames_after - 1
            self._begun_at, self._expected_seconds = now, expected_seconds
            self._frames_after = frames_after
            if foretold and now - self._told_at < TELL_SECONDS:
                return
            self._told_at = now
        self._changed()

    def end(self) -> None:
        """No frame is being rendered."""
        with self._lock:
            self._begun_at = None

    @property
    def usual_seconds(self) -> float | None:
        """That the frames of the job rendered last take, the slowest of the last few; None: nobody knows."""
        with self._lock:
            return max(self._recent[1], default=None)

    def turn_seconds_left(self) -> float | None:
        """About the seconds until Blender is free again, rather too many than too few; None: nobody knows,
        of a frame that is late, either."""
        with self._lock:
            if self._begun_at is None:
                return 0.0
            usual = max(self._recent[1], default=None)
            if usual is None or self._frame is None:
                return None
            passed = self._now() - self._begun_at
            if passed > LATE_FACTOR * usual + LATE_SECONDS:
                return None
            return max(0.0, usual - passed) + usual * self._frames_after

    def seconds_left(self) -> float | None:
        """About the seconds until the frame is done (0: it is late, or there is none); None: nobody knows."""
        with self._lock:
            if self._begun_at is None:
                return 0.0
            if self._expected_seconds is None:
                return None
            return max(0.0, self._begun_at + self._expected_seconds - self._now())
