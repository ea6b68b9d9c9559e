"""What a person is told of a job, made of its records: the same on the dashboard and in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import fmean
from typing import Any, Self

from contract.devices import device_words
from contract.job import Job, JobState, Progress
from contract.worker_record import NO_FRAME, Doing, WorkerRecord

STATE_WORDS: Mapping[JobState, str] = {
    JobState.QUEUED: "waiting for a worker",
    JobState.BAKING: "inspecting and baking",
    JobState.RENDERING: "rendering",
    JobState.FINISHING: "finishing",
    JobState.DONE: "done",
    JobState.DONE_WITH_FAILURES: "done, with failed frames",
    JobState.FAILED: "failed",
    JobState.CANCELED: "canceled",
    JobState.HELD: "held by the budget",
}


DOING_WORDS: Mapping[Doing, str] = {
    Doing.IDLE: "idle",
    Doing.BAKE: "inspecting and baking",
    Doing.RENDER: "rendering",
    Doing.FINISH: "making the preview",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """Numbers that nobody knows yet are None."""

    job_id: str
    name: str
    project: str
    state: JobState
    words: str
    """What it is doing, or waits for."""
    reason: str
    """Why it is in this state; empty for one that goes well."""
    priority: str
    created_at: str
    updated_at: str
    frames: int
    """To render; 0 while nobody knows."""
    frames_done: int
    frames_failed: int
    workers: tuple[str, ...]
    """Ids of those at work on it."""
    seconds_per_frame: float | None
    frames_per_minute: float | None
    """At which they come from these workers; only while it renders."""
    seconds_left: float | None
    """With the workers it has now."""
    worker_seconds: int
    dollars: float
    """So far, estimated."""
    device: str
    """What renders it, as a person says it; empty until it was inspected."""
    device_note: str
    """How that differs from what its scene was saved with."""

    @property
    def fraction(self) -> float:
        """How much of its frames has ended, from 0 to 1."""
        return (self.frames_done + self.frames_failed) / self.frames if self.frames else 0.0

    @classmethod
    def of(cls, job: Job, progress: Progress, workers: Sequence[WorkerRecord]) -> Self:
        """`workers` may be all of the farm's."""
        own = [] if job.state.ended else [worker for worker in workers if worker.job_id == job.job_id]
        total = progress.total or job.frame_count
        per_frame = progress.seconds / progress.done if progress.done and progress.seconds else None
        per_minute = _frames_per_minute(own, per_frame) if job.state is JobState.RENDERING else None
        left = max(0, total - progress.done - progress.failed)
        return cls(
            job_id=job.job_id,
            name=job.name,
            project=job.project,
            state=job.state,
            words=state_words(job),
            reason=job.reason,
            priority=str(job.options.get("priority", "normal")),
            created_at=job.created_at,
            updated_at=job.updated_at,
            frames=total,
            frames_done=progress.done,
            frames_failed=progress.failed,
            workers=tuple(sorted(worker.worker_id for worker in own)),
            seconds_per_frame=per_frame,
            frames_per_minute=per_minute,
            seconds_left=60 * left / per_minute if per_minute else None,
            worker_seconds=job.worker_seconds,
            dollars=job.dollars,
            device=device_words(job.device),
            device_note=job.device_note,
        )

    def to_map(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "state": str(self.state), "workers": list(self.workers)}


def state_words(job: Job) -> str:
    """A job's state as a person says it, with what it waits for."""
    said = baking_words(job) or STATE_WORDS[job.state]
    awaited = job.waiting_for or (job.reason if job.state is JobState.HELD else "")
    return f"{said}: {awaited}" if awaited else said


def baking_words(job: Job) -> str:
    """What is baked and how far it is; nothing when no bake goes on."""
    bake = job.bake_progress
    if job.state is not JobState.BAKING or not bake:
        return ""
    return f"baking {bake['kind']} of {bake['object']}: frame {bake['frame']} of {bake['last_frame']}"


def worker_words(worker: WorkerRecord) -> str:
    """What a worker does, as a person says it."""
    if worker.doing is Doing.RENDER:
        return f"frame {worker.frame}" if worker.frame != NO_FRAME else "opening the scene"
    return DOING_WORDS[worker.doing]


def seconds_between(earlier: str, later: str) -> float:
    """Between two timestamps of records. Raises ValueError for what is none."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _frames_per_minute(workers: Sequence[WorkerRecord], seconds_per_frame: float | None) -> float | None:
    """A worker that has done none yet is thought to be as quick as the job's frames usually are."""
    usual = [
        fmean(worker.recent_worker_seconds) if worker.recent_seconds else seconds_per_frame
        for worker in workers
    ]
    rate = sum(60 / seconds for seconds in usual if seconds)
    return rate or None
