"""What an earlier job of the same file says of the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Any, Final

from contract.frames import FrameRangeError, parse_frames
from contract.job import FrameState, Job, Progress
from contract.keys import UPLOAD_SUFFIXES, Upload
from contract.options import JobOptions
from contract.record_reader import RecordReader
from farm.estimate.basis import Basis
from farm.estimate.span import Span
from farm.wording import duration, moment

LOOKED_THROUGH: Final = 500
"""So many of the newest jobs are looked at."""
_SCALED: Final = ("samples", "resolution_percentage")
"""Options by which a time can be scaled. With another scene, camera or engine nothing is known."""
_SAME_SCENE: Final = ("scene", "camera", "engine", "blend")
_UNSURE: Final = 0.1
"""At least so much is left open in either direction: machines differ, and so do files of the same name."""
_DOUBT: Final = 2.0
"""Standard errors of the mean."""
_OPEN_SECONDS: Final = 10.0
"""Nothing is recorded of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """An earlier job with frames that are done."""

    job: Job
    progress: Progress
    seconds: Sequence[float]
    """Of some of its frames."""


def of_history(records: RecordReader, upload: Upload, options: JobOptions) -> tuple[Basis | None, str]:
    """The basis that the newest fit job is, or why there is none."""
    jobs = [
        job
        for job in records.latest_jobs(LOOKED_THROUGH)
        if (job.project, _stem(job.name)) == (upload.project, _stem(upload.name))
    ]
    if not jobs:
        return None, f"{upload.project}/{upload.name} was not rendered by this farm before"
    why = ""
    for job in jobs:
        refusal = unfit(JobOptions.from_map(job.options), options, job.frames)
        if refusal:
            why = why or f"job {job.job_id} says nothing of it: {refusal}"
            continue
        progress = sum(records.shards([job])[job.job_id], Progress()) if job.shards else Progress()
        if not progress.done or not progress.seconds:
            why = why or f"job {job.job_id} of the same file has no frame that is done"
            continue
        timed = records.frames(job.job_id, [0], FrameState.DONE)
        former = Former(job=job, progress=progress, seconds=[record.seconds for record in timed])
        return basis_of(former, options), ""
    return None, why


def unfit(former: JobOptions, asked: JobOptions, frames: str) -> str:
    """Why a job with those options tells nothing of one with these; empty when it does."""
    then, now = former.to_map(), asked.to_map()
    for name in _SAME_SCENE:
        if then.get(name) != now.get(name):
            return f"its {name} was {then.get(name, 'the one of the file')}"
    for name in _SCALED:
        if then.get(name) != now.get(name) and not (name in then and name in now):
            return f"nobody knows what its {name} were beside what is asked now"
    own_range = asked.frames is None and (asked.start_frame is None or asked.end_frame is None)
    if own_range and (former.frames or former.start_frame is not None or former.end_frame is not None):
        return "it did not render the file's own range of frames"
    return "" if frames else "its frames are not known"


def basis_of(former: Former, asked: JobOptions) -> Basis:
    """From a job that is fit."""
    job, progress = former.job, former.progress
    factor = work_factor(JobOptions.from_map(job.options), asked)
    seconds = mean_span(progress.seconds / progress.done, former.seconds)
    words = [
        f"job {job.job_id} of {moment(job.created_at)} UTC, the same project and file name: its "
        f"{progress.done} frames took {duration(progress.seconds / progress.done)} each on this farm's "
        "machines"
    ]
    if factor != 1:
        seconds = scaled(seconds, factor)
        words.append(
            f"its samples or its size were others, by a factor of {factor:.3g}: the range goes from all of a "
            "frame's time changing with them to none of it"
        )
    price = job.microdollars / 1e6 / job.worker_seconds * 3600 if job.worker_seconds else 0.0
    details: dict[str, Any] = {"job_id": job.job_id, "frames_timed": progress.done, "factor": factor}
    return Basis(
        kind="history",
        words=tuple(words),
        frames=_frame_count(asked, job),
        frame_seconds=seconds,
        open_seconds=_OPEN_SECONDS,
        hour_dollars=price or None,
        details=details,
    )


def work_factor(former: JobOptions, asked: JobOptions) -> float:
    """How much more there is to sample: pixels times samples."""
    factor = 1.0
    if former.samples and asked.samples:
        factor *= asked.samples / former.samples
    if former.resolution_percentage and asked.resolution_percentage:
        factor *= (asked.resolution_percentage / former.resolution_percentage) ** 2
    return factor


def scaled(seconds: Span, factor: float) -> Span:
    """Some of a frame's time is fixed, nobody knows how much: between none and all."""
    ends = (seconds.low, seconds.low * factor, seconds.high, seconds.high * factor)
    return Span.around(seconds.likely * factor, ends)


def mean_span(mean: float, seconds: Sequence[float]) -> Span:
    """What the mean of the next frames may be, by how much these differ."""
    error = _DOUBT * stdev(seconds) / sqrt(len(seconds)) / fmean(seconds) if len(seconds) > 1 else 0.0
    unsure = min(0.9, max(_UNSURE, error))
    return Span(low=mean * (1 - unsure), likely=mean, high=mean * (1 + unsure))


def _frame_count(asked: JobOptions, job: Job) -> int:
    try:
        own = parse_frames(job.frames)
        return len(asked.frames_of(scene_start=min(own), scene_end=max(own), scene_step=_step(own)))
    except FrameRangeError:
        return job.frame_count


def _stem(name: str) -> str:
    """A file that was packed on its way is the same as the .blend that it was packed from."""
    return next((name[: -len(end)] for end in UPLOAD_SUFFIXES if name.lower().endswith(end)), name)


def _step(frames: Sequence[int]) -> int:
    return frames[1] - frames[0] if len(frames) > 1 and frames[1] > frames[0] else 1
