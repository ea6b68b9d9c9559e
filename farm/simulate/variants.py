"""Every way in which target tracking may behave, as far as AWS does not say."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Final

from farm.simulate.model import AtZero, AwsBehaviour, Base

HIGH_PERIODS: Final = (1, 3, 5)
LOW_PERIODS: Final = (9, 15)
LOW_THRESHOLDS: Final = (0.9, 0.75)
ALARM_PHASES_SECONDS: Final = (5.0, 50.0)


def with_eager_scale_in(behaviour: AwsBehaviour) -> AwsBehaviour:
    """The variant whose low alarm acts whenever that of another one with the same scale-out does.

    So where it never lowered the capacity, its outcome is also that of the others.
    """
    return replace(
        behaviour,
        low_periods=min(LOW_PERIODS),
        low_threshold=max(LOW_THRESHOLDS),
        warmup_blocks_scale_in=False,
    )


def with_eager_alarms(behaviour: AwsBehaviour) -> AwsBehaviour:
    """The same for both alarms: where it neither raised nor lowered the capacity, no other does."""
    return replace(with_eager_scale_in(behaviour), high_periods=min(HIGH_PERIODS))


def every_variant() -> tuple[AwsBehaviour, ...]:
    """The full product of the doubts."""
    return tuple(
        AwsBehaviour(
            base=base,
            at_zero=at_zero,
            high_periods=high_periods,
            low_periods=low_periods,
            low_threshold=low_threshold,
            warmup_blocks_scale_in=blocks,
            alarm_phase_seconds=phase,
        )
        for base, at_zero, high_periods, low_periods, low_threshold, blocks, phase in product(
            Base, AtZero, HIGH_PERIODS, LOW_PERIODS, LOW_THRESHOLDS, (True, False), ALARM_PHASES_SECONDS
        )
    )
