"""What Auto Scaling does with the metrics of a farm and its policies; pure, a period at a time."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Final

HIGH_PERIODS: Final = 3
"""Periods above the target until target tracking adds machines, as AWS has it."""
LOW_PERIODS: Final = 15
"""Periods below the low threshold until it takes some away."""
LOW_SHARE: Final = 0.9
"""Of the target: the low threshold."""

_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Acts in every period, once so many in a row have breached its threshold."""

    metric: str
    comparison: str
    threshold: float
    periods: int

    def is_breached_by(self, value: float) -> bool:
        return _COMPARISONS[self.comparison](value, self.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A capacity, for values from `lower` to below `upper`; None is without end."""

    lower: float | None
    upper: float | None
    capacity: int

    def holds(self, value: float) -> bool:
        return (self.lower is None or self.lower <= value) and (self.upper is None or value < self.upper)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPolicy:
    """Step scaling to exact capacities."""

    alarm: Alarm
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingPolicy:
    metric: str
    target: float
    high: Alarm
    low: Alarm

    @classmethod
    def documented(cls, metric: str, target: float) -> TrackingPolicy:
        """With the alarms that AWS makes for it."""
        return cls(
            metric=metric,
            target=target,
            high=Alarm(
                metric=metric, comparison="GreaterThanThreshold", threshold=target, periods=HIGH_PERIODS
            ),
            low=Alarm(
                metric=metric,
                comparison="LessThanThreshold",
                threshold=LOW_SHARE * target,
                periods=LOW_PERIODS,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    tracking: TrackingPolicy
    steps: tuple[StepPolicy, ...] = ()

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        return (self.tracking.high, self.tracking.low, *(policy.alarm for policy in self.steps))


@dataclass(frozen=True, slots=True)
class Breaches:
    """In how many periods in a row each alarm's threshold was breached, up to now."""

    counts: Mapping[Alarm, int] = field(default_factory=dict)

    def after(self, alarms: tuple[Alarm, ...], values: Mapping[str, float]) -> Breaches:
        """One period later. `values` has every alarm's metric."""
        return Breaches(
            {
                alarm: self.counts.get(alarm, 0) + 1 if alarm.is_breached_by(values[alarm.metric]) else 0
                for alarm in alarms
            }
        )

    def alarmed(self, alarm: Alarm) -> bool:
        return self.counts.get(alarm, 0) >= alarm.periods


def next_capacity(
    policies: Policies,
    breaches: Breaches,
    values: Mapping[str, float],
    *,
    desired: int,
    minimum: int,
    maximum: int,
) -> int:
    """The capacity that the policies set now. Of several the largest wins; the group's bounds always hold."""
    proposed = max(_proposals(policies, breaches, values, desired), default=desired)
    return max(minimum, min(maximum, proposed))


def _proposals(
    policies: Policies, breaches: Breaches, values: Mapping[str, float], desired: int
) -> Iterator[int]:
    tracking = policies.tracking
    tracked = ceil(max(desired, 1) * values[tracking.metric] / tracking.target)
    if breaches.alarmed(tracking.high):
        yield max(desired, tracked)
    if breaches.alarmed(tracking.low):
        yield min(desired, tracked)
    for policy in policies.steps:
        if breaches.alarmed(policy.alarm):
            yield from (step.capacity for step in policy.steps if step.holds(values[policy.alarm.metric]))
