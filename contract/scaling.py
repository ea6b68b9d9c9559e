"""How many workers the farm wants, and the backlog-per-instance metric that brings them.

Target tracking sets capacity to ceil(base × metric ÷ target), where base is the group's present size,
at least 1. So the metric is made from the wanted number, and not the other way round: whatever base
between 1 and the desired capacity AWS takes, it cannot land above what is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil


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

    frame_queue_bpi: float
    """Frames that may wait for each worker."""
    project_init_queue_bpi: float
    """Bakes that may wait for each worker."""
    max_workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is emitted each minute."""

    tasks: int
    wanted_workers: int
    backlog_per_instance: float
    """The tracked metric, in frames per instance; its target is frame_queue_bpi."""
    needs_wake: bool
    """There is work and no machine: tracking alone cannot start the first one."""


ROUNDING_GUARD = 0.001
"""Workers taken off the wanted number so that ceil() of a float never adds one."""


def measure_backlog(
    *, bake: QueueDepth, render: QueueDepth, desired_capacity: int, limits: ScalingLimits
) -> Backlog:
    """The number of workers that the queues want, as a metric. Pure, finite, never above max_workers.

    A worker is shed only when there are fewer tasks than workers: one that is busy stays until it is
    done, however the acceptable backlog is set.
    """
    tasks = bake.tasks + render.tasks
    by_backlog = ceil(render.tasks / limits.frame_queue_bpi) + ceil(
        bake.tasks / limits.project_init_queue_bpi
    )
    wanted = min(max(by_backlog, min(desired_capacity, tasks)), tasks, limits.max_workers)
    metric = limits.frame_queue_bpi * max(0.0, wanted - ROUNDING_GUARD) / max(desired_capacity, 1)
    return Backlog(
        tasks=tasks,
        wanted_workers=wanted,
        backlog_per_instance=metric,
        needs_wake=tasks > 0 and desired_capacity == 0,
    )
