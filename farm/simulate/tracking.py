"""Target tracking: two alarms on a metric, and what they make of the group's capacity."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from farm.simulate.model import AtZero, AwsBehaviour, Base


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Of the group, when the alarms look."""

    desired: int
    ready: int
    """In service for at least the policy's warm-up."""
    warming: bool
    """A machine is not ready yet."""
    maximum: int


@dataclass(slots=True, kw_only=True)
class TargetTracking:
    """Fed with each datapoint once. An alarm that stays on acts again on each further one."""

    target: float
    behaviour: AwsBehaviour
    _above: int = 0
    _below: int = 0

    def look(self, metric: float | None, capacity: Capacity) -> int | None:
        """The new desired capacity; None: it stays. A metric of None is a datapoint that is missing."""
        self._above = self._above + 1 if metric is not None and metric > self.target else 0
        low = self.behaviour.low_threshold * self.target
        self._below = self._below + 1 if metric is not None and metric < low else 0
        base = self._base(capacity)
        if metric is None or base == 0:
            return None
        wanted = ceil(base * metric / self.target)
        if self._above >= self.behaviour.high_periods:
            return min(max(wanted, capacity.desired), capacity.maximum)
        if self._below >= self.behaviour.low_periods and not self._blocked(capacity):
            return min(wanted, capacity.desired)
        return None

    def _base(self, capacity: Capacity) -> int:
        base = capacity.desired if self.behaviour.base is Base.DESIRED else capacity.ready
        if base == 0 and self.behaviour.at_zero is AtZero.COUNTS_ONE:
            return 1
        return base

    def _blocked(self, capacity: Capacity) -> bool:
        return capacity.warming and self.behaviour.warmup_blocks_scale_in
