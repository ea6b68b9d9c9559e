"""The work that is there, as the job table shows it at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.frame_time import JobFrames
from contract.job import JobState, Progress
from contract.worker_record import NO_FRAME, Doing, WorkerRecord
from functions.measure_backlog.records import BacklogRecords, OpenJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    jobs: Sequence[OpenJob] = ()
    """That have not ended, oldest first."""
    progress: Mapping[str, Progress] = field(default_factory=dict)
    """Of those that are being rendered, by their ids."""
    workers: Sequence[WorkerRecord] = ()
    """That said something lately."""

    def frames(self, now: int) -> list[JobFrames]:
        """What is known of the frames of each job that is being rendered; `now` in epoch seconds."""
        running: dict[str, list[float]] = {}
        recent: dict[str, list[float]] = {}
        for worker in self.workers:
            recent.setdefault(worker.job_id, []).extend(worker.recent_worker_seconds)
            if worker.doing is Doing.RENDER and worker.frame != NO_FRAME:  # a scene that opens is no frame
                running.setdefault(worker.job_id, []).append(
                    worker.busy_seconds(now) / max(1, worker.sessions)
                )
        return [
            JobFrames(
                frames_left=max(0, seen.total - seen.done - seen.failed),
                frames_timed=seen.done,
                timed_seconds=seen.seconds,
                running_seconds=tuple(running.get(job_id, ())),
                recent_seconds=tuple(recent.get(job_id, ())),
            )
            for job_id, seen in self.progress.items()
        ]

    @property
    def unbaked(self) -> int:
        """Jobs that have no frames yet: their bakes wait, or are under way."""
        return sum(job.state in (JobState.QUEUED, JobState.BAKING) for job in self.jobs)

    @property
    def unattended(self) -> list[OpenJob]:
        """The jobs that no worker is at work on."""
        attended = {worker.job_id for worker in self.workers if worker.job_id}
        return [job for job in self.jobs if job.job_id not in attended]


def look(records: BacklogRecords, now: int) -> Work:
    """Read all that is there. Raises what AWS raises."""
    jobs = records.open_jobs()
    rendering = [job for job in jobs if job.state is JobState.RENDERING]
    return Work(jobs=jobs, progress=records.progress(rendering), workers=records.workers(now))
