"""What is fuzzed, and how: inputs are generated until as many were tried as were asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.strategies import SearchStrategy

ROUND = 2_000
"""Inputs a round: Hypothesis remembers all of a round's, and each round has a seed of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    name: str
    inputs: SearchStrategy[Any]
    """Many almost right, some nothing like it: both get deeper than noise alone."""
    check: Callable[[Any], str]
    """Tries one input and says in a word what became of it. Anything raised is a finding."""


@dataclass(slots=True, kw_only=True)
class Tried:
    """How many inputs were tried, how many of them were different ones, and what became of them."""

    inputs: int
    different: int
    outcomes: dict[str, int]


def fuzz(
    target: Target, inputs: int, first_seed: int, tell: Callable[[int], object] = lambda tried: None
) -> Tried:
    """Tells after each round how many it has tried.

    Raises what the first finding raised, with the smallest input that Hypothesis finds for it.
    """
    outcomes: dict[str, int] = {}
    seen: set[bytes] = set()

    def try_one(value: Any) -> None:
        seen.add(blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).digest())
        outcome = target.check(value)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    number = first_seed
    while (left := inputs - sum(outcomes.values())) > 0:
        _round(target.inputs, min(left, ROUND), number, try_one)
        number += 1
        tell(sum(outcomes.values()))
    return Tried(inputs=sum(outcomes.values()), different=len(seen), outcomes=outcomes)


def _round(inputs: SearchStrategy[Any], count: int, number: int, try_one: Callable[[Any], None]) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(inputs)
    def one_round(value: Any) -> None:
        try_one(value)

    one_round()
