"""Backlogs as a test of the scaling arithmetic wants them measured."""

from __future__ import annotations

from contract.frame_time import JobFrames
from contract.scaling import Backlog, QueueDepth, ScalingLimits, measure_backlog

LIMITS = ScalingLimits(
    acceptable_latency_seconds=600,
    worker_start_seconds=240,
    frame_queue_bpi=10,
    project_init_queue_bpi=1,
    max_workers=20,
)


def job(frames_left: int, seconds: float, running: int = 0, begun_seconds: float = 0.0) -> JobFrames:
    """One whose frames are all as long as the thousand that were timed; some were begun so long ago."""
    return JobFrames(
        frames_left=frames_left,
        frames_timed=1000,
        timed_seconds=1000 * seconds * 1.001,
        running_seconds=(begun_seconds,) * running,
    )


def measured(
    bakes: int = 0,
    frames: int = 0,
    capacity: int = 0,
    *jobs: JobFrames,
    limits: ScalingLimits = LIMITS,
    unbaked: int = 0,
    held_at: int | None = None,
) -> Backlog:
    return measure_backlog(
        bake=QueueDepth(in_flight=bakes),
        render=QueueDepth(visible=frames),
        jobs=jobs,
        desired_capacity=capacity,
        limits=limits,
        unbaked=unbaked,
        held_at=held_at,
    )
