"""The message that tells people of a job: plain text, and a subject as SNS takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from contract.frame_record import FrameRecord
from contract.job import Job, JobState
from contract.job_view import seconds_between
from contract.keys import frames_prefix

MAX_SUBJECT: Final = 100
"""Characters that SNS takes, ASCII and on one line."""
MAX_NAME: Final = 200
MAX_REASON: Final = 1000
MAX_KEY: Final = 1024
"""Bytes that S3 takes."""
MAX_REASONS: Final = 5
MAX_FRAMES_NAMED: Final = 20

_HEADLINES: Final = {
    JobState.DONE: "is done",
    JobState.DONE_WITH_FAILURES: "is done, with failed frames",
    JobState.FAILED: "failed",
    JobState.HELD: "is held by the budget",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    subject: str
    text: str


def message_of(job: Job, failed: Iterable[FrameRecord], *, farm: str, dashboard_url: str) -> Message:
    """What people are told of a job that has just come into its state; `failed` are its failed frames."""
    headline = _HEADLINES[job.state]
    return Message(
        subject=_subject(job, headline),
        text="\n".join(_lines(job, failed, headline, farm=farm, dashboard_url=dashboard_url)) + "\n",
    )


def _subject(job: Job, headline: str) -> str:
    """A name that is too long gives way to what happened; what is no ASCII is asked for with a mark."""
    name = one_line(job.name, MAX_NAME).encode("ascii", "replace").decode()
    room = MAX_SUBJECT - len(headline) - 1
    name = name if len(name) <= room else name[: room - 3] + "..."
    return f"{name} {headline}".lstrip()  # SNS takes none that begins with a space


def _lines(
    job: Job, failed: Iterable[FrameRecord], headline: str, *, farm: str, dashboard_url: str
) -> Iterator[str]:
    yield f"{one_line(job.name, MAX_NAME)} {headline}."
    if job.reason:
        yield f"Why: {one_line(job.reason, MAX_REASON)}"
    yield ""
    yield f"Job:      {job.job_id}"
    yield f"Project:  {one_line(job.project, MAX_NAME)}"
    yield f"Farm:     {farm}"
    if job.frame_count:
        frames = f"{job.frames_done:,} of {job.frame_count:,} done"
        yield f"Frames:   {frames}" + (f", {job.frames_failed:,} failed" if job.frames_failed else "")
    if took := _took(job):
        yield f"Took:     {took} from the upload on"
    if job.worker_seconds:
        yield f"Machines: {_duration(job.worker_seconds)} of work" + _cost(job)
    yield from _failures(failed)
    yield ""
    yield from _what_to_do(job)
    if dashboard_url:
        yield f"Dashboard: {dashboard_url}"


def _cost(job: Job) -> str:
    if not job.microdollars:
        return ""
    return f", about ${job.dollars:,.2f}" if job.dollars >= 0.01 else ", less than $0.01"


def _failures(failed: Iterable[FrameRecord]) -> Iterator[str]:
    """Each reason once, that of the most frames first."""
    frames_of: dict[str, list[int]] = {}
    for frame in failed:
        reason = one_line(frame.reason, MAX_REASON) or "no reason is recorded"
        frames_of.setdefault(reason, []).append(frame.frame)
    if not frames_of:
        return
    yield ""
    yield "What failed:"
    most_first = sorted(frames_of.items(), key=lambda item: (-len(item[1]), min(item[1])))
    for reason, frames in most_first[:MAX_REASONS]:
        named = ", ".join(map(str, sorted(frames)[:MAX_FRAMES_NAMED]))
        more = f" and {len(frames) - MAX_FRAMES_NAMED:,} more" if len(frames) > MAX_FRAMES_NAMED else ""
        yield f"- frame{'s' if len(frames) > 1 else ''} {named}{more}: {reason}"
    if len(frames_of) > MAX_REASONS:
        yield f"- and {len(frames_of) - MAX_REASONS:,} other reasons: see job.json beside the frames"


def _what_to_do(job: Job) -> Iterator[str]:
    """Commands, each for what a person may want now."""
    if job.frames_done:
        place = one_line(frames_prefix(job.project, job.job_id), MAX_KEY)
        yield f"The frames are in s3://{job.bucket}/{place}"
        yield f"To have them here:       farm download {job.job_id}"
    if job.state is JobState.HELD:
        yield f"To let it render:        farm release {job.job_id}"
        yield f"To give it up:           farm cancel {job.job_id}"
    if job.state in (JobState.FAILED, JobState.DONE_WITH_FAILURES) and job.bake_token:
        # without one no worker has ever had it: the upload itself was refused
        yield f"To read Blender's logs:  farm logs {job.job_id}"
        yield f"To try once more:        farm retry {job.job_id}"
    yield f"To see all of it:        farm status {job.job_id}"


def _took(job: Job) -> str:
    try:
        return _duration(seconds_between(job.created_at, job.updated_at))
    except ValueError:
        return ""


def _duration(seconds: float) -> str:
    """Such as 40 s, 12 min, 3 h 05 min."""
    if seconds < 120:
        return f"{max(0.0, seconds):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02} min"


def one_line(text: str, most: int) -> str:
    """A stranger's text on one line, with a mark for what is not to be printed, cut to `most` characters."""
    flat = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
    return flat if len(flat) <= most else flat[: most - 1] + "…"
