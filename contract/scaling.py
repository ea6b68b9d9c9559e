"""How many workers the farm wants, and the two metrics that bring them.

A step policy sets a small fleet to the wanted number at once (`grow_to`). Target tracking does the rest: it
sets capacity to ceil(base × metric ÷ target), where base is the group's present size, at least 1. So its
metric is made from the wanted number, and not the other way round: whatever base between 1 and the desired
capacity AWS takes, it cannot land above what is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from contract.frame_time import JobFrames, frame_seconds, left_seconds

MEASURE_PERIOD_SECONDS: Final = 60
"""From one measure to the next, while the fleet has what it is to have."""
WATCH_PERIOD_SECONDS: Final = 10
"""The same while it may be to grow: a minute lost is a minute of everybody's waiting."""
WATCH_EVENT: Final = "watch"
"""In the event of a run of the measure: go on for the minute while it is unsettled."""
UPLOADED_EVENT: Final = "uploaded"
"""In the event of a run of the measure: something has just come, so do not wait for the minute."""
TELLING_FRAMES: Final = 20
"""So many timed frames of a job say well enough how long its others take: a look a minute does then.

With three, a job whose frames differ much was done a minute later now and then (farm simulate, heavy tail).
"""
SMALL_FLEET: Final = 20
"""Machines up to which the step policy adds them, one step for each number: AWS allows 20 steps.

From then on tracking alone does it. Never both: each would add what the other has added already.
"""
WARMUP_SECONDS: Final = 0
"""Of both policies: the measure counts machines that still boot, and while any warmed up no idle one could
be taken."""
ROUNDING_GUARD: Final = 0.001
"""Workers taken off the wanted number so that ceil() of a float never adds one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """Messages on one queue, as SQS counts them (approximately)."""

    visible: int = 0
    delayed: int = 0
    in_flight: int = 0

    @property
    def tasks(self) -> int:
        """All that is not done: work in flight keeps its machine."""
        return self.visible + self.delayed + self.in_flight


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingLimits:
    """What the owner set."""

    acceptable_latency_seconds: float
    """In how long the frames that wait should be done; the tracked metric's target, too."""
    worker_start_seconds: float
    """From a machine's launch until it works: what is done by then needs it no more."""
    frame_queue_bpi: float
    """Frames that may wait for each worker while nobody knows how long they take."""
    project_init_queue_bpi: float
    """Bakes that may wait for each worker."""
    max_workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is emitted each minute."""

    tasks: int
    backlog_seconds: float
    """Work of one worker that is left in the frames that have been timed."""
    wanted_workers: int
    backlog_per_instance: float
    """The tracked metric, in seconds; its target is acceptable_latency_seconds."""
    grow_to: int
    """What the step policy sets the capacity to, at once; 0: nothing is to be done by it.

    Tracking cannot multiply nothing, and waits minutes before it does anything.
    """
    unsettled: bool
    """Whether the fleet may be to grow before the minute is over, by the step policy: worth another look."""


def measure_backlog(
    *,
    bake: QueueDepth,
    render: QueueDepth,
    jobs: Sequence[JobFrames],
    desired_capacity: int,
    limits: ScalingLimits,
    unbaked: int = 0,
    held_at: int | None = None,
) -> Backlog:
    """The number of workers that the queues want, as a metric. Pure, finite, never above max_workers.

    `held_at`: how many work now, when no other could be set up, so that none beyond them is wanted.
    `unbaked`: jobs without frames yet, as their records say; the bake queue's count may come later.
    `jobs` are those whose frames are being rendered. The queues say how much there is to do; the jobs only
    say how long it takes. A worker is shed only when there are fewer tasks than workers: one that is busy
    stays until it is done.
    """
    tasks = bake.tasks + render.tasks
    for_bakes = ceil(bake.tasks / limits.project_init_queue_bpi)
    for_frames = _frame_workers(render.tasks, jobs, limits)
    enough = max(for_bakes + for_frames, min(desired_capacity, tasks))
    wanted = min(enough, tasks, limits.max_workers if held_at is None else min(held_at, limits.max_workers))
    grow_to = _grow_to(wanted, desired_capacity)
    # what the step policy does is told as done: tracking would multiply it a second time
    share = max(0.0, (grow_to or wanted) - ROUNDING_GUARD) / max(desired_capacity, grow_to, 1)
    return Backlog(
        tasks=tasks,
        backlog_seconds=sum((left_seconds(job) or 0.0 for job in jobs), 0.0),
        wanted_workers=wanted,
        backlog_per_instance=limits.acceptable_latency_seconds * share,
        grow_to=grow_to,
        unsettled=held_at is None
        and desired_capacity < min(SMALL_FLEET, limits.max_workers)
        and (bool(grow_to or bake.tasks or unbaked) or any(_may_prove_longer(job, limits) for job in jobs)),
    )


def _may_prove_longer(job: JobFrames, limits: ScalingLimits) -> bool:
    """Whether each look still tells more of how long a job's frames take, and that more workers are wanted.

    Beyond the acceptable latency it does not matter how long they take: each counts as one worker's.
    """
    if not job.frames_left or job.frames_timed >= TELLING_FRAMES:
        return False
    usual = frame_seconds(job)
    return usual is None or usual < limits.acceptable_latency_seconds


def _grow_to(wanted: int, desired_capacity: int) -> int:
    if desired_capacity >= SMALL_FLEET or wanted <= desired_capacity:
        return 0
    return min(wanted, SMALL_FLEET)


def _frame_workers(frames: int, jobs: Sequence[JobFrames], limits: ScalingLimits) -> int:
    """Workers for the frames on the queues, in whole waves: none is started for half a wave."""
    if not frames:
        return 0
    enough = workers_in_time(frames, jobs, limits)
    left = frames - frames_done_meanwhile(jobs, limits)
    return in_whole_waves(min(enough, frames, limits.max_workers), max(1, left))


def workers_in_time(frames: int, jobs: Sequence[JobFrames], limits: ScalingLimits) -> int:
    """Workers, 1 at least, that are done with the frames within the acceptable latency of their start.

    No job is done sooner than one of its frames, however many work at it: nobody is started for that.
    """
    timed = [(job.frames_left, usual) for job in jobs if (usual := frame_seconds(job)) is not None]
    timed_frames = sum(left for left, _ in timed)
    latency = limits.acceptable_latency_seconds
    workers = sum(left * min(1.0, usual / latency) for left, usual in timed)
    if timed_frames:
        workers *= 1 - frames_done_meanwhile(jobs, limits) / timed_frames
    untimed = [job.frames_left for job in jobs if frame_seconds(job) is None]
    untimed.append(max(0, frames - timed_frames - sum(untimed)))  # of jobs that were not looked up
    shortest = min((usual for _, usual in timed), default=0.0)
    return max(1, ceil(workers + _guess(untimed, shortest, limits)))


def _guess(frames: Sequence[int], frame_seconds: float, limits: ScalingLimits) -> float:
    """Workers for jobs that nobody has timed, as if their frames were as short as any other job's.

    One finds out for each job. The more jobs wait, the likelier some are longer than that, so the more is
    guessed of each: as many workers as there are such jobs, and one for each `frame_queue_bpi` of its frames.
    """
    by_time = min(1.0, frame_seconds / limits.acceptable_latency_seconds)
    waiting = [left for left in frames if left]
    return sum(
        min(len(waiting), ceil(left / limits.frame_queue_bpi), max(1.0, left * by_time)) for left in waiting
    )


def frames_done_meanwhile(jobs: Sequence[JobFrames], limits: ScalingLimits) -> int:
    """Timed frames that the workers at work will have done before one that is started now begins."""
    done = 0
    for job in jobs:
        usual = frame_seconds(job)
        if usual is not None:
            begun = (min(max(0.0, seconds), usual) for seconds in job.running_seconds)
            by_all = sum(int((limits.worker_start_seconds + seconds) / usual) for seconds in begun)
            done += min(job.frames_left, by_all)
    return done


def in_whole_waves(workers: int, frames: int) -> int:
    """As few workers as need no more rounds than `workers` do, for frames of like length."""
    return ceil(frames / ceil(frames / workers))
