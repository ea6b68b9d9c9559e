"""All that a person may want to know of one job at this moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState, Progress
from contract.job_view import JobView, worker_words
from contract.record_reader import RecordReader
from contract.worker_record import WorkerRecord
from farm.wording import UNKNOWN, dollars, duration, frames, moment, rate

MAX_FAILED: Final = 100
"""Failed frames that are listed; of a job with more of them the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    view: JobView
    job: Job
    workers: tuple[WorkerRecord, ...]
    failed: tuple[FrameRecord, ...]
    now: int
    """Epoch seconds."""

    def to_map(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.view.to_map(),
            "spot_seconds": self.job.spot_seconds,
            "workers": [
                {
                    "worker_id": worker.worker_id,
                    "doing": str(worker.doing),
                    "words": worker_words(worker),
                    "seconds": worker.busy_seconds(self.now),
                    "instance_type": worker.instance_type,
                    "spot": worker.spot,
                }
                for worker in self.workers
            ],
            "failures": [
                {"frame": record.frame, "reason": record.reason, "logs": _logs(record)}
                for record in self.failed
            ],
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """What it is about, and the words: those of which something is known."""
        view = self.view
        yield "state", view.words + ("" if view.reason in view.words else f" ({view.reason})")
        yield "frames", frames(view)
        if view.seconds_per_frame:
            yield "speed", _speed(view)
        if view.seconds_left is not None:
            yield "left", duration(view.seconds_left)
        if self.job.worker_seconds:
            yield "cost", self._cost()
        if view.device:
            yield "device", f"{view.device}. {view.device_note}" if view.device_note else view.device
        if view.priority != "normal":
            yield "priority", view.priority
        yield "created", f"{moment(view.created_at)} UTC"
        for worker in self.workers:
            yield "worker", _at_work(worker, self.now)
        for record in self.failed:
            yield (
                "failed",
                f"frame {record.frame}: {record.reason} (`farm logs {view.job_id} {record.frame}`)",
            )
        more = view.frames_failed - len(self.failed)
        if more > 0:
            yield "failed", f"and {more:,} frames more"
        if view.state is JobState.FAILED:
            yield "log", f"`farm logs {view.job_id}`"

    def _cost(self) -> str:
        spot = self.job.spot_seconds / self.job.worker_seconds
        said = f"{duration(self.job.worker_seconds)} of machines, {spot:.0%} on Spot"
        price = dollars(self.view.dollars)
        return said if price == UNKNOWN else f"{price} so far, estimated ({said})"


def job_status(records: RecordReader, job: Job, now: int) -> JobStatus:
    """Read the records of one job."""
    progress = sum(records.shards([job])[job.job_id], Progress())
    own = [] if job.state.ended else [w for w in records.workers(now) if w.job_id == job.job_id]
    failed = list(records.frames(job.job_id, range(job.shards), FrameState.FAILED)) if progress.failed else []
    return JobStatus(
        view=JobView.of(job, progress, own),
        job=job,
        workers=tuple(sorted(own, key=lambda worker: worker.worker_id)),
        failed=tuple(sorted(failed, key=lambda record: record.frame)[:MAX_FAILED]),
        now=now,
    )


def _logs(record: FrameRecord) -> list[str]:
    return [failure.log for failure in record.failures if failure.log]


def _speed(view: JobView) -> str:
    said = f"{duration(view.seconds_per_frame)} per frame"
    return f"{said}, {rate(view.frames_per_minute)} frames a minute" if view.frames_per_minute else said


def _at_work(worker: WorkerRecord, now: int) -> str:
    usual = f" (usually {duration(fmean(worker.recent_seconds))})" if worker.recent_seconds else ""
    machine = f", {worker.instance_type}{' Spot' if worker.spot else ''}" if worker.instance_type else ""
    return (
        f"{worker.worker_id}: {worker_words(worker)} for {duration(worker.busy_seconds(now))}{usual}{machine}"
    )
