"""Which frame is being rendered, and how long it will still take, for whoever asks from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from contract.worker_record import RECENT_FRAMES


class FrameClock:
    """Told by the renderer, asked by whoever must decide whether to wait for the frame.

    `now` gives seconds that only go forward, `epoch` those that people and other machines know.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, epoch: Callable[[], float] = time.time
    ) -> None:
        self._now = now
        self._epoch = epoch
        self._lock = threading.Lock()
        self._begun_at: float | None = None
        self._expected_seconds: float | None = None
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

    def begin(self, expected_seconds: float | None) -> None:
        """A frame has begun, which takes about so long; None: nobody knows."""
        with self._lock:
            self._begun_at, self._expected_seconds = self._now(), expected_seconds

    def end(self) -> None:
        """No frame is being rendered."""
        with self._lock:
            self._begun_at = None

    def seconds_left(self) -> float | None:
        """About the seconds until the frame is done (0: it is late, or there is none); None: nobody knows."""
        with self._lock:
            if self._begun_at is None:
                return 0.0
            if self._expected_seconds is None:
                return None
            return max(0.0, self._begun_at + self._expected_seconds - self._now())
