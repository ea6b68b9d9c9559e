"""Which frame is being rendered, and how long it will still take, for whoever asks from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


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

    def turn_to(self, frame: int | None) -> None:
        """Blender is at this frame from now on; None: at none."""
        with self._lock:
            self._frame = None if frame is None else (frame, self._epoch())

    @property
    def frame(self) -> tuple[int, float] | None:
        """The frame that Blender is or was last at, and the epoch seconds at which it began that."""
        with self._lock:
            return self._frame

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
