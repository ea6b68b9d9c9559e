"""Follow a job from its upload to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from contract.job import FrameRecord, FrameState, Job, Progress
from farm.jobs import Farm
from farm.plain_errors import PlainError

POLL_SECONDS = 0.5


class NoJobError(PlainError):
    """The farm made no job of an upload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known of a job at one moment."""

    job: Job | None
    """None while the farm has not heard of the upload."""
    progress: Progress = field(default_factory=Progress)
    ended_frames: tuple[FrameRecord, ...] = ()
    """Frames that were done or failed for good since the snapshot before."""
    quiet_seconds: float = 0.0
    """How long nothing has changed."""


def follow(
    farm: Farm,
    job_id: str,
    *,
    clock: Callable[[], float],
    pause: Callable[[float], object],
    patience_seconds: float = 120,
) -> Iterator[Snapshot]:
    """Look again and again until the job has ended; each ended frame is told exactly once.

    Raises NoJobError when the farm makes no job of the upload within `patience_seconds`.
    """
    seen: set[int] = set()
    counted: list[Progress] = []
    before: tuple[Job | None, list[Progress]] = (None, [])
    changed = clock()
    while True:
        job = farm.records.job(job_id)
        shards = farm.records.shards([job])[job.job_id] if job else []
        if (job, shards) != before:
            before, changed = (job, shards), clock()
        quiet_seconds = clock() - changed
        if job is None and quiet_seconds > patience_seconds:
            raise NoJobError(f"the farm made no job of this upload within {patience_seconds:.0f} s")
        ended = job is not None and job.state.ended
        fresh = _ended_frames(farm, job_id, _moved(counted, shards, all_of_them=ended), seen)
        counted = shards
        yield Snapshot(
            job=job,
            progress=sum(shards, Progress()),
            ended_frames=fresh,
            quiet_seconds=quiet_seconds,
        )
        if ended:
            return
        pause(POLL_SECONDS)


def _moved(before: list[Progress], now: list[Progress], *, all_of_them: bool) -> list[int]:
    """The shards worth reading: those whose counter moved, at the end every one."""
    old = before + [Progress()] * (len(now) - len(before))
    return [
        shard
        for shard, (then, current) in enumerate(zip(old, now, strict=True))
        if all_of_them or (then.done, then.failed) != (current.done, current.failed)
    ]


def _ended_frames(farm: Farm, job_id: str, shards: list[int], seen: set[int]) -> tuple[FrameRecord, ...]:
    fresh = [
        record
        for record in farm.records.frames(job_id, shards)
        if record.state is not FrameState.WAITING and record.frame not in seen
    ]
    seen.update(record.frame for record in fresh)
    return tuple(sorted(fresh, key=lambda record: record.frame))
