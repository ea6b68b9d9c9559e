"""The farm's own policy: seconds of work, tracked; idle workers that end themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from contract.idle_workers import LOOKS, may_end
from contract.scaling import WARMUP_SECONDS, ScalingLimits, measure_backlog
from farm.simulate.alarms import Datapoint, follow
from farm.simulate.farm import Farm
from farm.simulate.fleet.habits import Habits, Protection
from farm.simulate.fleet.worker import Worker
from farm.simulate.tracking import TargetTracking

HABITS: Final = Habits(protection=Protection.UNTIL_IDLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    limits: ScalingLimits
    idle_seconds: float
    """A worker that has found nothing for so long may be taken, or goes by itself."""
    name: str = "ours"
    habits: Habits = HABITS

    def victims(self, free: Sequence[Worker], dice: Random) -> list[Worker]:
        return sorted(free, key=lambda worker: worker.idle_since or 0)

    def steer(self, farm: Farm) -> None:
        limits = replace(self.limits, max_workers=farm.group.maximum)
        tracking = TargetTracking(target=limits.acceptable_latency_seconds, behaviour=farm.behaviour)

        def measure() -> Datapoint:
            backlog = measure_backlog(
                bake=farm.work.bake,
                render=farm.work.render,
                jobs=farm.work.seen(),
                desired_capacity=farm.group.desired,
                limits=limits,
            )
            farm.wanted = backlog.wanted_workers
            return Datapoint(
                metric=backlog.backlog_per_instance, grow_to=backlog.grow_to, unsettled=backlog.unsettled
            )

        farm.group.when_idle = lambda worker: self._rest(worker, farm)
        follow(farm, tracking, measure, warmup_seconds=WARMUP_SECONDS, watches=True)

    def _rest(self, worker: Worker, farm: Farm) -> None:
        """As the agent does at each poll that brought nothing."""
        if worker.idle_seconds < self.idle_seconds:
            return
        farm.group.protect(worker, False)
        if worker.idle_polls < LOOKS:
            return
        idle = [other.name for other in farm.group.in_service if not other.protected]
        if not worker.ended and may_end(
            worker.name, idle=idle, desired_capacity=farm.group.desired, tasks=farm.work.tasks
        ):
            farm.group.end_itself(worker)
