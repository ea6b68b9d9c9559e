"""Every way in which target tracking may behave, as far as AWS does not say."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Final

from farm.simulate.model import AtZero, AwsBehaviour, Base, Outcome

HIGH_PERIODS: Final = (1, 3, 5)
LOW_PERIODS: Final = (9, 15)
LOW_THRESHOLDS: Final = (0.9, 0.75)
ALARM_DELAYS_SECONDS: Final = ((5.0, 5.0), (50.0, 25.0))
"""Of tracking's alarms and of the step policy's: all quick, or all slow."""


def decides(outcome: Outcome, behaviour: AwsBehaviour) -> bool:
    """Whether it is also the outcome under that variant, though it came about under another.

    An alarm that acts whenever the other one's would, and in fact changed nothing, leaves nothing for it.
    """
    its = outcome.behaviour
    alike = replace(
        its,
        high_periods=behaviour.high_periods,
        low_periods=behaviour.low_periods,
        low_threshold=behaviour.low_threshold,
        warmup_blocks_scale_in=behaviour.warmup_blocks_scale_in,
    )
    return (
        alike == behaviour
        and (its.high_periods == behaviour.high_periods or _never_raised(outcome, behaviour))
        and (_scale_in(its) == _scale_in(behaviour) or _never_lowered(outcome, behaviour))
    )


def _never_raised(outcome: Outcome, behaviour: AwsBehaviour) -> bool:
    return outcome.raised == 0 and outcome.behaviour.high_periods <= behaviour.high_periods


def _never_lowered(outcome: Outcome, behaviour: AwsBehaviour) -> bool:
    its = outcome.behaviour
    return (
        outcome.lowered == 0
        and its.low_periods <= behaviour.low_periods
        and its.low_threshold >= behaviour.low_threshold
        and its.warmup_blocks_scale_in <= behaviour.warmup_blocks_scale_in
    )


def _scale_in(behaviour: AwsBehaviour) -> tuple[int, float, bool]:
    return behaviour.low_periods, behaviour.low_threshold, behaviour.warmup_blocks_scale_in


def every_variant() -> tuple[AwsBehaviour, ...]:
    """The full product of the doubts, the alarms that act soonest first."""
    return tuple(
        AwsBehaviour(
            base=base,
            at_zero=at_zero,
            high_periods=high_periods,
            low_periods=low_periods,
            low_threshold=low_threshold,
            warmup_blocks_scale_in=blocks,
            alarm_phase_seconds=tracking,
            step_alarm_seconds=step,
        )
        for base, at_zero, high_periods, low_periods, low_threshold, blocks, (tracking, step) in product(
            Base, AtZero, HIGH_PERIODS, LOW_PERIODS, LOW_THRESHOLDS, (False, True), ALARM_DELAYS_SECONDS
        )
    )
