"""What AWS documents for queues: visible messages per instance, against latency ÷ time per message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Final

from contract.scaling import ScalingLimits
from farm.simulate.alarms import Datapoint, follow
from farm.simulate.farm import Farm
from farm.simulate.fleet.habits import Habits, Protection
from farm.simulate.fleet.worker import Worker
from farm.simulate.tracking import TargetTracking

DEFAULT_COOLDOWN_SECONDS: Final = 300
"""The warm-up, for the documented policy gives none."""
HABITS: Final = Habits(protection=Protection.WHILE_BUSY)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesPerInstance:
    """With AWS's advice to protect the busy. It cannot start from zero: it is lent a step to 1 here."""

    limits: ScalingLimits
    average_seconds: float = 60
    """Time per message, which the owner typed in once."""
    name: str = "AWS messages per instance"
    habits: Habits = HABITS

    def victims(self, free: Sequence[Worker], dice: Random) -> Sequence[Worker]:
        """The oldest first, which is what AWS's default comes to with one launch template."""
        return free

    def steer(self, farm: Farm) -> None:
        target = self.limits.acceptable_latency_seconds / self.average_seconds
        tracking = TargetTracking(target=target, behaviour=farm.behaviour)

        def measure() -> Datapoint:
            visible = farm.work.bake.visible + farm.work.render.visible
            capacity = len(farm.group.in_service)
            farm.wanted = min(farm.group.maximum, ceil(visible / target))
            return Datapoint(
                metric=visible / capacity if capacity else None,
                grow_to=int(farm.work.tasks > 0 and farm.group.desired == 0),
            )

        follow(farm, tracking, measure, warmup_seconds=DEFAULT_COOLDOWN_SECONDS)
