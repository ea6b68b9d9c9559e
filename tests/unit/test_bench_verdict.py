"""Verdicts of the benches: a bound is held as it is, not as it is printed."""

import pytest

from bench.start_up import verdicts
from bench.verdict import verdict


@pytest.mark.parametrize(
    ("found", "inclusive", "says"),
    [
        (0.299, False, "to be under 0.30 s: ok"),
        (0.3, False, "to be under 0.30 s: NOT OK"),
        (0.3, True, "to be at most 0.30 s: ok"),
        (0.3004, True, "to be at most 0.30 s: NOT OK"),
    ],
)
def test_nothing_is_rounded_to_hold(found: float, inclusive: bool, says: str) -> None:
    assert verdict("help", found, 0.3, form="{:.2f} s", inclusive=inclusive) == f"help: 0.30 s, {says}"


def test_start_up_has_a_verdict_for_each_bound() -> None:
    held = verdicts(help_seconds=0.29, synth_seconds=11.9, packed={"a": 199_999, "b": 1})
    assert [line.rpartition(": ")[2] for line in held] == ["ok"] * 3
    broken = verdicts(help_seconds=0.31, synth_seconds=12.1, packed={"a": 1, "b": 200_001})
    assert [line.rpartition(": ")[2] for line in broken] == ["NOT OK"] * 3
    assert ", b: 200.0 KB" in broken[2]
