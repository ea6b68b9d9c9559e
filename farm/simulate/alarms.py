"""The loop that every policy with a CloudWatch metric has: each minute a datapoint, then the alarms' look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from contract.scaling import MEASURE_PERIOD_SECONDS, WATCH_PERIOD_SECONDS
from farm.simulate.farm import Farm
from farm.simulate.tracking import Capacity, TargetTracking

HEARD_SECONDS: Final = 5
"""From an upload until it is on the queue and measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datapoint:
    metric: float | None
    """None: nothing was emitted."""
    grow_to: int = 0
    """What the step policy sets the capacity to; 0: it is silent."""


@dataclass(slots=True)
class StepAlarm:
    """Acts when it goes on, and again each minute that it stays on, whatever its period: so AWS says."""

    _looked: float = -inf
    _acted: float = -inf

    def acts(self, now: float, breached: bool) -> bool:
        """With a datapoint at `now`; where none came for longer than a watch's period, it has gone off."""
        gone_off = now - self._looked > WATCH_PERIOD_SECONDS
        self._looked = now
        if gone_off or not breached:
            self._acted = -inf
        if not breached or now - self._acted < MEASURE_PERIOD_SECONDS:
            return False
        self._acted = now
        return True


def follow(
    farm: Farm,
    tracking: TargetTracking,
    measure: Callable[[], Datapoint],
    *,
    warmup_seconds: float,
    watches: bool = False,
) -> None:
    """Each minute a datapoint for tracking, and one for the step policy.

    A farm that watches does the latter at each upload, too, and goes on after the minute's measure, every ten
    seconds while there is something to do. The first minute's measure is one period after the begin.
    """
    behaviour = farm.behaviour
    watching = False
    step_alarm = StepAlarm()

    def each_minute() -> None:
        datapoint = measure()
        farm.agenda.after(behaviour.alarm_phase_seconds, lambda: track(datapoint))
        grow_soon(datapoint)
        if watches:
            watch_on()

    def watch() -> None:
        nonlocal watching
        watching = False
        grow_soon(measure())
        watch_on()

    def hear() -> None:
        farm.agenda.after(HEARD_SECONDS, lambda: grow_soon(measure()))

    def watch_on() -> None:
        nonlocal watching
        if farm.work.tasks and not watching:
            watching = True
            farm.agenda.after(WATCH_PERIOD_SECONDS, watch)

    def grow_soon(datapoint: Datapoint) -> None:
        farm.agenda.after(behaviour.step_alarm_seconds, lambda: grow(datapoint.grow_to))

    def track(datapoint: Datapoint) -> None:
        proposed = tracking.look(datapoint.metric, _capacity(farm, warmup_seconds))
        if proposed is not None and proposed != farm.group.desired:
            farm.raised += proposed > farm.group.desired
            farm.lowered += proposed < farm.group.desired
            farm.group.set_desired(proposed)

    def grow(capacity: int) -> None:
        if step_alarm.acts(farm.agenda.now, capacity > 0) and capacity != farm.group.desired:
            farm.group.set_desired(capacity)

    farm.agenda.every(MEASURE_PERIOD_SECONDS, each_minute)
    if watches:
        farm.work.when_arrives = hear


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
