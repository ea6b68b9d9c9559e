"""The loop that every policy with a CloudWatch metric has: each minute a datapoint, then the alarms' look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from contract.scaling import MEASURE_PERIOD_SECONDS
from farm.simulate.farm import Farm
from farm.simulate.tracking import Capacity, TargetTracking


@dataclass(frozen=True, slots=True, kw_only=True)
class Datapoint:
    metric: float | None
    """None: nothing was emitted."""
    wake_to: int = 0
    """What the wake policy sets the capacity to, which is a step policy of its own; 0: it is silent."""


def follow(
    farm: Farm, tracking: TargetTracking, measure: Callable[[], Datapoint], *, warmup_seconds: float
) -> None:
    """The first measure is one period after the simulation's begin."""

    def each_period() -> None:
        datapoint = measure()
        farm.agenda.after(farm.behaviour.alarm_phase_seconds, lambda: look(datapoint))

    def look(datapoint: Datapoint) -> None:
        proposed = tracking.look(datapoint.metric, _capacity(farm, warmup_seconds))
        if datapoint.wake_to:  # of several policies the one that wants most wins
            proposed = max(datapoint.wake_to, proposed or 0)
        if proposed is not None and proposed != farm.group.desired:
            farm.lowered += proposed < farm.group.desired
            farm.group.set_desired(proposed)

    farm.agenda.every(MEASURE_PERIOD_SECONDS, each_period)


def _capacity(farm: Farm, warmup_seconds: float) -> Capacity:
    ready = sum(
        1
        for worker in farm.group.in_service
        if worker.running_since is not None and farm.agenda.now - worker.running_since >= warmup_seconds
    )
    return Capacity(
        desired=farm.group.desired,
        ready=ready,
        warming=warmup_seconds > 0 and ready < len(farm.group.instances),
        maximum=farm.group.maximum,
    )
