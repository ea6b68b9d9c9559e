"""How many workers the farm wants, and the backlog-per-instance metric that brings them.

Target tracking sets capacity to ceil(base × metric ÷ target), where base is the group's present size,
at least 1. So the metric is made from the wanted number, and not the other way round: whatever base
between 1 and the desired capacity AWS takes, it cannot land above what is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from contract.frame_time import JobFrames, left_seconds

MEASURE_PERIOD_SECONDS: Final = 60
"""From one measure to the next: a metric of a minute's resolution costs nothing more."""
PROBE_WORKERS: Final = 2
"""Workers, at most, for frames of which nobody knows how long they take."""
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
    needs_wake: bool
    """There is work and no machine: tracking alone cannot start the first one."""


def measure_backlog(
    *,
    bake: QueueDepth,
    render: QueueDepth,
    jobs: Sequence[JobFrames],
    desired_capacity: int,
    limits: ScalingLimits,
) -> Backlog:
    """The number of workers that the queues want, as a metric. Pure, finite, never above max_workers.

    `jobs` are those whose frames are being rendered. The queues say how much there is to do; the jobs only
    say how long it takes. A worker is shed only when there are fewer tasks than workers: one that is busy
    stays until it is done.
    """
    tasks = bake.tasks + render.tasks
    seconds = sum(left_seconds(job) or 0.0 for job in jobs)
    timed_frames = sum(job.frames_left for job in jobs if left_seconds(job) is not None)
    for_bakes = ceil(bake.tasks / limits.project_init_queue_bpi)
    for_frames = _frame_workers(render.tasks, timed_frames, seconds, desired_capacity, limits)
    wanted = min(for_bakes + for_frames, tasks, limits.max_workers)
    wanted = min(max(wanted, min(desired_capacity, tasks)), limits.max_workers)
    target = limits.acceptable_latency_seconds
    return Backlog(
        tasks=tasks,
        backlog_seconds=seconds,
        wanted_workers=wanted,
        backlog_per_instance=target * max(0.0, wanted - ROUNDING_GUARD) / max(desired_capacity, 1),
        needs_wake=tasks > 0 and desired_capacity == 0,
    )


def _frame_workers(
    frames: int, timed_frames: int, seconds: float, desired_capacity: int, limits: ScalingLimits
) -> int:
    """Workers for the frames on the queues, in whole waves: none is started for half a wave."""
    if not frames:
        return 0
    untimed = max(0, frames - timed_frames)
    probes = min(PROBE_WORKERS, ceil(untimed / limits.frame_queue_bpi))
    # a machine started now finds what is left when it works at last
    left = max(0.0, seconds - desired_capacity * limits.worker_start_seconds)
    wanted = probes + ceil(left / limits.acceptable_latency_seconds)
    wanted = max(1, min(wanted, frames, limits.max_workers))
    waves = ceil(frames / wanted)
    return ceil(frames / waves)
