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
"""From an upload until it is on the queue and measured, if no run looks soon anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datapoint:
    metric: float | None
    """None: nothing was emitted."""
    grow_to: int = 0
    """What the step policy sets the capacity to; 0: it is silent."""
    unsettled: bool = False
    """It is worth another look before the minute is over."""


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

    A farm that watches does the latter at an upload, too, and after the first measure of either goes on every
    ten seconds for a minute, while that is unsettled: as functions/measure_backlog does, whose newest run is
    the one that watches. The first minute's measure is one period after the begin.
    """
    behaviour = farm.behaviour
    watcher, next_look = 0, -inf
    step_alarm = StepAlarm()

    def each_minute() -> None:
        datapoint = measure()
        farm.agenda.after(behaviour.alarm_phase_seconds, lambda: track(datapoint))
        begin(datapoint)

    def hear() -> None:
        farm.agenda.after(HEARD_SECONDS, look_unless_another_does)

    def look_unless_another_does() -> None:
        if farm.agenda.now >= next_look:
            begin(measure())

    def begin(datapoint: Datapoint) -> None:
        """Another run takes over the watch."""
        nonlocal watcher
        grow_soon(datapoint)
        if watches and datapoint.unsettled:
            watcher += 1
            sleep(watcher, farm.agenda.now + MEASURE_PERIOD_SECONDS)

    def sleep(run: int, end: float) -> None:
        nonlocal next_look
        if farm.agenda.now + WATCH_PERIOD_SECONDS < end:
            next_look = farm.agenda.now + WATCH_PERIOD_SECONDS
            farm.agenda.after(WATCH_PERIOD_SECONDS, lambda: look(run, end))

    def look(run: int, end: float) -> None:
        datapoint = measure()
        grow_soon(datapoint)
        if datapoint.unsettled and run == watcher:
            sleep(run, end)

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
