"""Whether the machines that run bring anything forth: how long nothing came of them, beyond what is allowed.

Every part has a watch of its own (a frame's limit and a bake's, the sweep, the watch over silent machines).
This one looks at what all of them are for: machines that cost money, and jobs that move.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from contract.frame_time import frame_limit_seconds
from contract.job import JobState, Progress
from contract.options import LONGEST_FRAME_SECONDS, MAX_TASK_SECONDS, JobOptions
from contract.worker_record import Doing, WorkerRecord
from functions.measure_backlog.records import BacklogRecords, OpenJob
from functions.measure_backlog.work import Work

FINISH_SECONDS: Final = 3600
"""What summing a long job up may take."""
ANOTHER_FLEET_SECONDS: Final = 1800
"""Machines that were not seen for so long were gone: what stood still before says nothing of those of now."""
FEWEST_FRAMES: Final = 3
"""From so many on it is known what a job's frames usually take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """How far everything was at the last measure, and since when it has been so; epoch seconds."""

    mark: str = ""
    since: int = 0
    seen_at: int = 0

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> Self:
        item = item or {}
        return cls(
            mark=str(item.get("mark", "")),
            since=int(item.get("since", 0)),
            seen_at=int(item.get("seen_at", 0)),
        )

    def seen(self, mark: str, now: int) -> Standstill:
        """What is known after a look at `now`, when machines run and everything is as far as `mark` says."""
        moved = mark != self.mark or not 0 <= now - self.seen_at < ANOTHER_FLEET_SECONDS
        return Standstill(mark=mark, since=now if moved else self.since, seen_at=now)

    def seconds(self, work: Work, now: int) -> int:
        """How much longer nothing has come of the machines than what they are at may take; 0: all is well."""
        return max(0, now - self.since - allowed_seconds(work))


def mark_of(jobs: Iterable[OpenJob], progress: Mapping[str, Progress]) -> str:
    """Changes with whatever the machines bring forth: frames that end, steps of bakes, jobs that move or end.

    Not with jobs that only wait: a farm that renders none of them is still given more.
    """
    return hashlib.sha256("\n".join(sorted(_steps(jobs, progress))).encode()).hexdigest()


def _steps(jobs: Iterable[OpenJob], progress: Mapping[str, Progress]) -> Iterable[str]:
    for job in jobs:
        frames = progress.get(job.job_id, Progress())
        bake = ",".join(f"{name}={job.bake_progress[name]}" for name in sorted(job.bake_progress))
        if job.state is not JobState.QUEUED:
            yield f"{job.job_id} {job.state} {frames.done}+{frames.failed} {bake}"


def allowed_seconds(work: Work) -> int:
    """How long nothing may come of what the workers are at; 0 when none is at anything."""
    jobs = {job.job_id: job for job in work.jobs}
    return max((_allowed(worker, jobs.get(worker.job_id), work) for worker in work.workers), default=0)


def _allowed(worker: WorkerRecord, job: OpenJob | None, work: Work) -> int:
    if job is None:
        return 0  # it has ended meanwhile, or the worker has none
    options = JobOptions.from_map(job.options)
    match worker.doing:
        case Doing.BAKE:
            return options.bake_timeout_seconds or MAX_TASK_SECONDS
        case Doing.RENDER:
            return options.frame_timeout_seconds or _frame_limit(job, work)
        case Doing.FINISH:
            return FINISH_SECONDS
        case Doing.IDLE:
            return 0


def _frame_limit(job: OpenJob, work: Work) -> int:
    """The workers' own rule, by the slowest that is known of the job's frames."""
    seen = work.progress.get(job.job_id, Progress())
    if seen.done < FEWEST_FRAMES:
        return LONGEST_FRAME_SECONDS
    recent = [s for worker in work.workers if worker.job_id == job.job_id for s in worker.recent_seconds]
    return int(frame_limit_seconds(max(seen.seconds / seen.done, *recent, 0.0)))


def measure_standstill(work: Work, now: int, *, tasks: int, records: BacklogRecords) -> int:
    """Look, note it for the next measure, and say how many seconds nothing has come of the machines.

    Without a task on the queues no job was looked at: then nothing has moved. Raises what AWS raises.
    """
    before = Standstill.from_item(records.standstill())
    after = before.seen(mark_of(work.jobs, work.progress) if tasks else before.mark, now)
    records.note_standstill(mark=after.mark, since=after.since, seen_at=after.seen_at)
    return after.seconds(work, now)
