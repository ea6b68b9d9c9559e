"""Measures what a Blender uses of its machine while it renders."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Self

import psutil

from worker_agent.blender import BlenderSession
from worker_agent.seats.job_sessions import RenderedTurn


@dataclass(frozen=True, slots=True)
class Reading:
    """What has been used up by one moment; a difference of two says what was used in between."""

    seconds: float
    """By a clock that only goes forward."""
    processor_seconds: float
    """Of Blender and all that it has started."""
    idle_processor_seconds: float
    """Of the machine's processors together."""

    @classmethod
    def of(cls, session: BlenderSession, clock: Callable[[], float] = time.monotonic) -> Self:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)  # Linux only
        return cls(clock(), session.processor_seconds, idle)


class TurnMeter:
    """One turn at a Blender, from its first frame on. Used by the thread that has the turn.

    The first that a Blender has is none to judge by: it loads what later ones find loaded.
    """

    def __init__(
        self, session: BlenderSession, read: Callable[[BlenderSession], Reading] = Reading.of
    ) -> None:
        self._session = session
        self._read = read
        self._begin: Reading | None = None
        if session.frames_rendered:
            session.forget_peak()
            self._begin = read(session)
        self._frame_seconds: list[float] = []

    def add(self, seconds: float) -> None:
        """A frame has been rendered, and took so long."""
        self._frame_seconds.append(seconds)

    def end(self, sessions: int) -> RenderedTurn | None:
        """What was measured beside so many sessions, this one among them; None when that says nothing."""
        begin, end = self._begin, self._read(self._session)
        if begin is None or not self._frame_seconds or end.seconds <= begin.seconds:
            return None
        seconds = end.seconds - begin.seconds
        peak_bytes = self._session.peak_memory_bytes
        to_come = max(0, peak_bytes - self._session.memory_bytes)  # between two frames it has the least
        return RenderedTurn(
            sessions=sessions,
            frame_seconds=median(self._frame_seconds),
            cores_used=(end.processor_seconds - begin.processor_seconds) / seconds,
            cores_idle=(end.idle_processor_seconds - begin.idle_processor_seconds) / seconds,
            memory_bytes=peak_bytes,
            free_memory_bytes=psutil.virtual_memory().available - sessions * to_come,
        )
