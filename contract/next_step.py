"""Which task moves a job on, read from its record: the Lambdas that send lost tasks again ask it."""

from __future__ import annotations

from enum import StrEnum

from contract.job import Job, JobState, Progress


class Step(StrEnum):
    """What a job waits for, by the kind of its task."""

    BAKE = "bake"
    RENDER = "render"
    FINISH = "finish"


def next_step(job: Job, progress: Progress) -> Step | None:
    """None for a job that has ended or is held. `progress` is asked for only while it is rendered."""
    match job.state:
        case JobState.QUEUED | JobState.BAKING:
            return Step.BAKE
        case JobState.RENDERING if not job.frames_sent_at:
            return Step.BAKE  # its baker died between publishing it and sending its frames
        case JobState.RENDERING:
            return Step.FINISH if progress.complete else Step.RENDER
        case JobState.FINISHING:
            return Step.FINISH
        case _:
            return None


def in_hand(job: Job, now: int) -> bool:
    """Whether a worker bakes it or sums it up at this moment (epoch seconds)."""
    lease_until = {JobState.BAKING: job.bake_lease_until, JobState.FINISHING: job.finish_lease_until}
    return lease_until.get(job.state, 0) > now
