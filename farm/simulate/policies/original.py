"""The original's, of 2019, as its Ruby Lambda, its Ruby workers and its Terraform were."""

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

FRAME_QUEUE_BPI: Final = 2
PROJECT_INIT_QUEUE_BPI: Final = 5
INVENTED_AT_ZERO: Final = 0.2
"""Added to a queue's own number while no machine is there to divide by."""
TARGET: Final = 2
DEFAULT_COOLDOWN_SECONDS: Final = 300
"""AWS takes it for the warm-up where no warm-up is given."""
HABITS: Final = Habits(
    protection=Protection.WHILE_BUSY,
    heeds_notices=False,
    visibility_seconds=7000,
    bakes_beside_frames=True,
    frame_look_seconds=10,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """Its bake that outlasts the visibility is not given to a second worker here, which flatters it."""

    limits: ScalingLimits
    name: str = "original"
    habits: Habits = HABITS

    def victims(self, free: Sequence[Worker], dice: Random) -> Sequence[Worker]:
        """The oldest first, which is what AWS's default comes to with one launch template."""
        return free

    def steer(self, farm: Farm) -> None:
        tracking = TargetTracking(target=TARGET, behaviour=farm.behaviour)

        def measure() -> Datapoint:
            capacity = len(farm.group.in_service)
            metric = messages_per_instance(
                farm.work.render.visible, capacity, FRAME_QUEUE_BPI
            ) + messages_per_instance(farm.work.bake.visible, capacity, PROJECT_INIT_QUEUE_BPI)
            farm.wanted = min(farm.group.maximum, ceil(max(1, farm.group.desired) * metric / TARGET))
            return Datapoint(metric=metric)

        follow(farm, tracking, measure, warmup_seconds=DEFAULT_COOLDOWN_SECONDS)


def messages_per_instance(visible: int, in_service: int, bpi: float) -> float:
    """Of one queue; the original adds those of its two queues, which are different things."""
    if not visible:
        return 0
    return visible / in_service if in_service else bpi + INVENTED_AT_ZERO
