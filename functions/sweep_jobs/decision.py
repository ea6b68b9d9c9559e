"""Which jobs have lost their tasks, and what is done about it. Pure: observations in, decisions out.

No message can be looked for on a queue. But when there are fewer messages than the jobs need tasks, some are
missing, and a job that stands still may be the one that misses them. Sending too much harms nobody: a task
that is done already is dropped by the worker that gets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from contract.job import Job, JobState, Progress
from contract.job_writes import end_without_summary
from contract.next_step import Step, in_hand, next_step
from contract.options import LONGEST_FRAME_SECONDS, JobOptions

SENDS: Final = 3
"""Times that a job's tasks are sent again before it is given up."""
PATIENCE_SECONDS: Final = 3600
"""When no frame has come for longer than one may take, by so much, none comes."""
TROUBLE_SECONDS: Final = 600
"""What workers said of a job within this time is how things are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the sweep keeps on a job's record. Times are epoch seconds."""

    mark: str = ""
    """How far the job was."""
    since: int = 0
    times: int = 0
    """How often its tasks were sent again since then."""
    sent_at: int = 0

    @classmethod
    def from_map(cls, values: Mapping[str, Any]) -> Sighting:
        numbers = {name: int(values.get(name, 0)) for name in ("since", "times", "sent_at")}
        return cls(mark=str(values.get("mark", "")), **numbers)

    def to_map(self) -> dict[str, str | int]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """A job that has not ended, as it was read."""

    job: Job
    progress: Progress
    trouble_age_seconds: int = 0
    """How long ago its record was last written by anybody but the sweep."""

    @property
    def step(self) -> Step | None:
        return next_step(self.job, self.progress)

    @property
    def tasks(self) -> int:
        """Messages that should be on the queues for it."""
        if self.step is Step.RENDER:
            return self.progress.total - self.progress.done - self.progress.failed
        return 1

    @property
    def mark(self) -> str:
        """Changes with everything that moves the job on."""
        job, frames = self.job, self.progress
        bake = ",".join(f"{name}={job.bake_progress[name]}" for name in sorted(job.bake_progress))
        return (
            f"{job.state} {job.retries} frames {frames.done}+{frames.failed} sent {job.frames_sent_at}"
            f" bake {job.bake_lease_until} {job.bake_attempts} {bake} finish {job.finish_lease_until}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """On the queues: waiting, delayed and held."""

    bake: int
    frames: int
    """On the render queue and the urgent one, which has the finish tasks too."""

    def lacking(self, jobs: Iterable[OpenJob]) -> frozenset[Step]:
        """The steps for which there are fewer messages than the jobs need."""
        needed = dict.fromkeys(Step, 0)
        for job in jobs:
            if job.step:
                needed[job.step] += job.tasks
        bake = {Step.BAKE} if needed[Step.BAKE] > self.bake else set()
        frames = needed[Step.RENDER] + needed[Step.FINISH] > self.frames
        return frozenset(bake | ({Step.RENDER, Step.FINISH} if frames else set()))


@dataclass(frozen=True, slots=True)
class Watch:
    """The job has moved on: note how far it is."""

    sighting: Sighting


@dataclass(frozen=True, slots=True)
class SendAgain:
    """Note it, then send what the step needs."""

    step: Step
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class End:
    """Nobody can do it."""

    state: JobState
    reason: str


def decide(
    seen: OpenJob, *, lacking: frozenset[Step], queues_empty: bool, now: int, stall_seconds: int
) -> Watch | SendAgain | End | None:
    """What is done about one job now (epoch seconds); None: nothing."""
    step = seen.step
    if step is None:
        return None
    before = Sighting.from_map(seen.job.sweep)
    if before.mark != seen.mark:
        return Watch(Sighting(mark=seen.mark, since=now))
    if _helpless(seen, step, now - before.since):
        minutes = (now - before.since) // 60
        return End(JobState.FAILED, f"{seen.job.reason} (no frame was rendered for {minutes} minutes)")
    wait_seconds = stall_seconds * max(1, before.times)  # the longer it does not help, the rarer
    if now - max(before.since, before.sent_at) < wait_seconds or in_hand(seen.job, now):
        return None
    if step not in lacking:
        return None
    if before.times >= SENDS and queues_empty:
        return _given_up(seen, step, stood_seconds=now - before.since)
    sent = Sighting(mark=seen.mark, since=before.since, times=before.times + 1, sent_at=now)
    return SendAgain(step, sent)


def _helpless(seen: OpenJob, step: Step, stood_seconds: int) -> bool:
    """Its frames go round, and every worker says the same of them: the Blender for them cannot be had."""
    return (
        step is Step.RENDER
        and bool(seen.job.reason)
        and seen.trouble_age_seconds < TROUBLE_SECONDS
        and stood_seconds >= _longest_frame_seconds(seen.job) + PATIENCE_SECONDS
    )


def _longest_frame_seconds(job: Job) -> int:
    """Another worker may have the Blender, and be at a frame all this time."""
    return JobOptions.from_map(job.options).frame_timeout_seconds or LONGEST_FRAME_SECONDS


def _given_up(seen: OpenJob, step: Step, *, stood_seconds: int) -> End:
    minutes = stood_seconds // 60
    sent = f"was sent to the workers {SENDS} times more, and nothing came of it for {minutes} minutes"
    if step is Step.FINISH:
        state, reason = end_without_summary(seen.progress)
        return End(state, f"{reason} (the task to sum it up {sent})")
    what = "the bake" if step is Step.BAKE else "what was left of its frames"
    trouble = f"; the last trouble was: {seen.job.reason}" if seen.job.reason else ""
    return End(JobState.FAILED, f"{what} {sent}: see the workers' logs, and upload it once more{trouble}")
