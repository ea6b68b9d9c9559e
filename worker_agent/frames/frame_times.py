"""How long a job's frames take, measured: what a frame may take, and how long the next one will."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from contract.frame_time import frame_limit_seconds
from contract.job import Job
from contract.options import LONGEST_FRAME_SECONDS, JobOptions
from worker_agent.stores.frame_store import FrameStore

SAMPLES: Final = 200
"""Frames of one shard that are looked at: a median of so many is as good as of all."""
FEWEST_SAMPLES: Final = 3
KEPT_SECONDS, KEPT_FRAMES = 60, 10
"""A look at the job table serves for so many seconds, and for so many frames: slow ones would have a look
each, which finds little that is new."""
JOBS: Final = 8
"""So many are remembered: jobs whose frames come in turns must not be asked about at each of them."""

SLOW_FACTOR: Final = 1.25
"""A frame that is waited for may be somewhat slower than the median."""


@dataclass(slots=True)
class _Times:
    """Of one job's frames."""

    own: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    recorded: list[float] = field(default_factory=list)
    read_at: float = -math.inf

    @property
    def median_seconds(self) -> float | None:
        samples = [*self.own, *self.recorded]
        return median(samples) if len(samples) >= FEWEST_SAMPLES else None


class FrameTimes:
    """One worker's view of the jobs that it renders. For any thread; only `look` asks anybody."""

    def __init__(self, frames: FrameStore, now: Callable[[], float] = time.monotonic) -> None:
        self._frames = frames
        self._now = now
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, _Times] = OrderedDict()

    def add(self, job: Job, seconds: float) -> None:
        """This worker has rendered a frame of the job."""
        with self._lock:
            self._of(job).own.append(seconds)

    def look(self, job: Job) -> None:
        """Ask the job table what other workers' frames took, if that was not done lately."""
        with self._lock:
            times = self._of(job)
            if self._now() - times.read_at < max(KEPT_SECONDS, KEPT_FRAMES * (times.median_seconds or 0)):
                return
            times.read_at = self._now()  # nobody else asks meanwhile
        recorded = self._frames.sample_seconds(job, random.randrange(job.shards), SAMPLES)
        with self._lock:
            times.recorded = recorded

    def median_seconds(self, job: Job) -> float | None:
        """Of the job's frames that are known of; None while these are too few."""
        with self._lock:
            return self._of(job).median_seconds

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

    def _of(self, job: Job) -> _Times:
        """Under the lock."""
        times = self._jobs.setdefault(job.job_id, _Times())
        self._jobs.move_to_end(job.job_id)
        while len(self._jobs) > JOBS:
            self._jobs.popitem(last=False)
        return times
