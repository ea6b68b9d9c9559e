"""What a stretch of a run took of AWS: requests, request units, conflicts; and how long it was."""

from __future__ import annotations

import resource
import time
from collections import Counter
from dataclasses import dataclass
from typing import Self

from bench.aws_in_memory import Services
from bench.aws_in_memory.occasions import FRAMES, TIME
from bench.scale.job import RenderedJob
from bench.scale.prices import LOG_BYTE, READ_UNIT, WRITE_UNIT, dollars_of
from bench.scale.slow_clock import world_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """As it stands at a moment, or the difference of two moments."""

    seconds: float
    """By the agents' clocks."""
    world_seconds: float
    processor_seconds: float
    """Of this process, children left out."""
    frames: int
    calls: Counter[tuple[str, str]]
    """By occasion (bench.aws_in_memory.occasions), and service and operation."""
    reads: Counter[str]
    writes: Counter[str]
    """Request units by occasion."""
    conflicts: int
    log_bytes: int
    """Of metrics: the agents' other lines are not written here."""

    @classmethod
    def now(cls, services: Services, job: RenderedJob) -> Self:
        used = resource.getrusage(resource.RUSAGE_SELF)
        units = services.table.units
        return cls(
            seconds=time.monotonic(),
            world_seconds=world_seconds(),
            processor_seconds=used.ru_utime + used.ru_stime,
            frames=job.frames_done,
            calls=Counter(services.calls),
            reads=Counter(units.reads),
            writes=Counter(units.writes),
            conflicts=services.table.conflicts.total(),
            log_bytes=services.log_bytes,
        )

    def since(self, before: Self) -> Self:
        return type(self)(
            seconds=self.seconds - before.seconds,
            world_seconds=self.world_seconds - before.world_seconds,
            processor_seconds=self.processor_seconds - before.processor_seconds,
            frames=self.frames - before.frames,
            calls=self.calls - before.calls,
            reads=self.reads - before.reads,
            writes=self.writes - before.writes,
            conflicts=self.conflicts - before.conflicts,
            log_bytes=self.log_bytes - before.log_bytes,
        )

    def count(self, occasion: str, prefix: str = "") -> int:
        """Requests of an occasion whose name begins so."""
        return sum(n for (why, call), n in self.calls.items() if why == occasion and call.startswith(prefix))

    @property
    def control_dollars(self) -> float:
        """Of what frames take of the queue and the table."""
        return self._dollars(FRAMES, objects=False)

    @property
    def object_dollars(self) -> float:
        """Of the requests for the frames' own objects."""
        return sum(
            n * dollars_of(call)
            for (why, call), n in self.calls.items()
            if why == FRAMES and call.startswith("s3.")
        )

    @property
    def preview_dollars(self) -> float:
        """Of a get for each frame, with which its picture is fetched as the job ends. These jobs do not end:
        it is reckoned."""
        return self.frames * dollars_of("s3.GetObject")

    @property
    def time_dollars(self) -> float:
        """Of what goes with time: metrics, renewals, reports."""
        return self._dollars(TIME, objects=True) + self.log_bytes * LOG_BYTE

    def _dollars(self, occasion: str, *, objects: bool) -> float:
        requests = sum(
            n * dollars_of(call)
            for (why, call), n in self.calls.items()
            if why == occasion and (objects or not call.startswith("s3."))
        )
        return requests + self.reads[occasion] * READ_UNIT + self.writes[occasion] * WRITE_UNIT
