"""What Auto Scaling does with a metric and a target, in two pure steps; the laptop fleet acts on them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil


def tracked_capacity(*, desired: int, maximum: int, metric: float, target: float, needs_wake: bool) -> int:
    """The capacity that the wake policy (0 to 1) or the target-tracking policy asks for."""
    if desired == 0 and needs_wake:
        return min(1, maximum)
    return max(0, min(maximum, ceil(max(desired, 1) * metric / target)))


@dataclass(frozen=True, slots=True)
class ScaleIn:
    """Patience before a fleet shrinks, as the low alarm of target tracking has with its many periods."""

    lower_since: float | None = None

    def step(
        self, *, proposed: int, desired: int, now: float, patience_seconds: float
    ) -> tuple[ScaleIn, int]:
        """The next desired capacity, and what to remember. Growth is at once."""
        if proposed >= desired:
            return ScaleIn(), proposed
        since = now if self.lower_since is None else self.lower_since
        if now - since < patience_seconds:
            return ScaleIn(since), desired
        return ScaleIn(), proposed
