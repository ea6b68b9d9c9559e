"""How long a job's frames take, measured: what a frame may take, and how long the next one will."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Final

from contract.frame_time import frame_limit_seconds
from contract.job import Job
from contract.options import LONGEST_FRAME_SECONDS, JobOptions
from worker_agent.frame_store import FrameStore

SAMPLES: Final = 200
"""Frames of one shard that are looked at: a median of so many is as good as of all."""
FEWEST_SAMPLES: Final = 3
KEPT_SECONDS: Final = 60
"""A look at the job table serves for so long."""

SLOW_FACTOR: Final = 1.25
"""A frame that is waited for may be somewhat slower than the median."""


class FrameTimes:
    """One worker's view of the job that it renders. For any thread."""

    def __init__(self, frames: FrameStore, now: Callable[[], float] = time.monotonic) -> None:
        self._frames = frames
        self._now = now
        self._lock = threading.Lock()
        self._job_id = ""
        self._read_at = 0.0
        self._own: list[float] = []
        self._recorded: list[float] = []

    def add(self, job: Job, seconds: float) -> None:
        """This worker has rendered a frame of the job."""
        with self._lock:
            self._turn_to(job)
            self._own = [*self._own[-SAMPLES:], seconds]

    def median_seconds(self, job: Job) -> float | None:
        """Of the job's frames so far; None while too few are done."""
        with self._lock:
            self._turn_to(job)
            if self._now() - self._read_at >= KEPT_SECONDS:
                self._read_at = self._now()
                self._recorded = self._frames.sample_seconds(job, random.randrange(job.shards), SAMPLES)
            samples = self._own + self._recorded
        return median(samples) if len(samples) >= FEWEST_SAMPLES else None

    def limit_seconds(self, job: Job) -> float:
        """How long a frame may take: what its owner said, or by what the others took."""
        asked = JobOptions.from_map(job.options).frame_timeout_seconds
        if asked is not None:
            return asked
        usual = self.median_seconds(job)
        return LONGEST_FRAME_SECONDS if usual is None else frame_limit_seconds(usual)

    def expected_seconds(self, job: Job) -> float | None:
        """How long the next frame will take, rather too long than too short; None: nobody knows."""
        usual = self.median_seconds(job)
        return None if usual is None else SLOW_FACTOR * usual

    def _turn_to(self, job: Job) -> None:
        if self._job_id != job.job_id:
            self._job_id, self._own, self._recorded = job.job_id, [], []
            self._read_at = self._now() - KEPT_SECONDS
