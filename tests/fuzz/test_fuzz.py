"""A small share of `make fuzz`, with the same inputs each time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import strategies as st

from tests.fuzz.__main__ import TARGETS
from tests.fuzz.target import Target, fuzz

INPUTS = 300
WELL = {
    "archives": "unpacked",
    "events": "taken: open",
    "listener": "queued",
    "messages": "read as render",
    "settings": "read",
}
"""What has to come of some inputs, or the fuzzing does not get deep."""


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_input_is_taken_or_refused_in_words(name: str) -> None:
    tried = fuzz(TARGETS[name], INPUTS, first_seed=1)
    assert tried.inputs == sum(tried.outcomes.values()) == INPUTS
    assert tried.different > INPUTS / 2
    assert tried.outcomes[WELL[name]] > INPUTS / 50, tried.outcomes
    assert tried.outcomes["refused"] > INPUTS / 50, tried.outcomes


def test_a_finding_is_raised_with_the_smallest_input() -> None:
    found: list[int] = []

    def check(number: int) -> str:
        if number > 1000:
            found.append(number)
            raise KeyError(number)
        return "taken"

    with pytest.raises(KeyError):
        fuzz(Target(name="numbers", inputs=st.integers(), check=check), 2_000, first_seed=1)
    assert found[-1] == 1001


def test_as_many_are_tried_as_were_asked_for() -> None:
    """Hypothesis ends early where there are few different inputs: another round begins."""
    numbers: Iterator[int] = iter(range(10_000))
    target = Target(name="bits", inputs=st.booleans(), check=lambda _: str(next(numbers) % 2))
    tried = fuzz(target, 50, first_seed=1)
    assert (tried.inputs, tried.different) == (50, 2)
