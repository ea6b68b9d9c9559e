"""Follow a job from its upload to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from contract.frame_record import FrameRecord
from contract.job import Job, Progress
from contract.job_view import JobView
from contract.record_reader import RecordReader
from contract.worker_record import WorkerRecord
from farm.plain_errors import PlainError
from farm.transfer.patience import Patience

POLL_SECONDS: Final = 0.5
WORKERS_SECONDS: Final = 2.0
"""How often the workers are asked for: they are many, and say little that is new."""


class NoJobError(PlainError):
    """The farm made no job of an upload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known of a job at one moment."""

    job: Job | None
    """None while the farm has not heard of the upload."""
    progress: Progress = field(default_factory=Progress)
    workers: tuple[WorkerRecord, ...] = ()
    """Those at work on the job, by their ids."""
    ended_frames: tuple[FrameRecord, ...] = ()
    """Frames that were done or failed for good since the snapshot before."""
    quiet_seconds: float = 0.0
    """How long nothing has changed."""

    @property
    def view(self) -> JobView | None:
        return JobView.of(self.job, self.progress, self.workers) if self.job else None


def follow(
    records: RecordReader,
    job_id: str,
    *,
    clock: Callable[[], float],
    pause: Callable[[float], object],
    patience: Patience,
    heard_within_seconds: float = 120,
) -> Iterator[Snapshot]:
    """Look again and again until the job has ended; each ended frame is told exactly once.

    `clock` gives epoch seconds; `patience` is for a farm that does not answer. Raises NoJobError when the
    farm makes no job of the upload within `heard_within_seconds`, GaveUpError, ClientError, BotoCoreError.
    """
    seen: set[int] = set()
    counted: list[Progress] = []
    before: tuple[Job | None, list[Progress]] = (None, [])
    workers: tuple[WorkerRecord, ...] = ()
    changed = asked = clock()
    while True:
        job, shards = patience.call(f"a look at {job_id}", partial(_looked_at, records, job_id))
        now = clock()
        if (job, shards) != before:
            before, changed = (job, shards), now
        if job is None and now - changed > heard_within_seconds:
            raise NoJobError(f"the farm made no job of this upload within {heard_within_seconds:.0f} s")
        ended = job is not None and job.state.ended
        if job and not ended and (not workers or now - asked >= WORKERS_SECONDS):
            at_work = partial(_at_work, records, job_id, int(now))
            workers, asked = patience.call(f"a look at the workers of {job_id}", at_work), now
        moved = _moved(counted, shards, all_of_them=ended)
        ended_frames = partial(_ended_frames, records, job_id, moved, seen)
        fresh = patience.call(f"a look at the frames of {job_id}", ended_frames)
        counted = shards
        yield Snapshot(
            job=job,
            progress=sum(shards, Progress()),
            workers=() if ended else workers,
            ended_frames=fresh,
            quiet_seconds=now - changed,
        )
        if ended:
            return
        pause(POLL_SECONDS)


def _looked_at(records: RecordReader, job_id: str) -> tuple[Job | None, list[Progress]]:
    """The job, and the counters of its shards."""
    job = records.job(job_id)
    return job, records.shards([job])[job_id] if job else []


def _at_work(records: RecordReader, job_id: str, now: int) -> tuple[WorkerRecord, ...]:
    found = [worker for worker in records.workers(now) if worker.job_id == job_id]
    return tuple(sorted(found, key=lambda worker: worker.worker_id))


def _moved(before: list[Progress], now: list[Progress], *, all_of_them: bool) -> list[int]:
    """The shards worth reading: those whose counter moved, at the end every one."""
    old = before + [Progress()] * (len(now) - len(before))
    return [
        shard
        for shard, (then, current) in enumerate(zip(old, now, strict=True))
        if all_of_them or (then.done, then.failed) != (current.done, current.failed)
    ]


def _ended_frames(
    records: RecordReader, job_id: str, shards: list[int], seen: set[int]
) -> tuple[FrameRecord, ...]:
    fresh = [record for record in records.frames(job_id, shards) if record.ended and record.frame not in seen]
    seen.update(record.frame for record in fresh)
    return tuple(sorted(fresh, key=lambda record: record.frame))
