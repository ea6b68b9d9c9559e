"""Medians, spreads and ratios of runs, and what they had to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.render.run import Run

Rounds = Sequence[Mapping[str, Run]]
"""The runs of a scene: of each round by contender. Not every contender runs in every round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median=median(values), least=min(values), most=max(values))

    def words(self, form: str = ".2f") -> str:
        return f"{self.median:{form}} ({self.least:{form}}–{self.most:{form}})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What one contender's time, divided by another's, must be: at most, or at least."""

    of: str
    over: str
    at_most: float | None = None
    at_least: float | None = None

    def holds(self, ratio: float) -> bool:
        """As it is printed: to two places."""
        ratio = round(ratio, 2)
        return (self.at_most is None or ratio <= self.at_most) and (
            self.at_least is None or ratio >= self.at_least
        )

    @property
    def words(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:.2f}"
        return f"at least {self.at_least:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    scene: str
    bound: Bound
    ratio: Spread

    @property
    def ok(self) -> bool:
        return self.bound.holds(self.ratio.median)

    @property
    def words(self) -> str:
        what = f"{self.scene}: {self.bound.of} ÷ {self.bound.over}"
        return f"{what} = {self.ratio.words()}, {self.bound.words}: {'ok' if self.ok else 'NOT OK'}"


def of_contender(rounds: Rounds, contender: str) -> list[Run]:
    return [runs[contender] for runs in rounds if contender in runs]


def ratio(
    rounds: Rounds, of: str, over: str, seconds: Callable[[Run], float] = lambda run: run.per_frame
) -> Spread | None:
    """Of each round in which both ran, seconds a frame; None when there is no such round."""
    pairs = [(runs[of], runs[over]) for runs in rounds if of in runs and over in runs]
    return Spread.of([seconds(one) / seconds(other) for one, other in pairs]) if pairs else None


def verdicts(scene: str, bounds: Sequence[Bound], rounds: Rounds) -> list[Verdict]:
    """Those for which there were runs."""
    found = [(bound, ratio(rounds, bound.of, bound.over)) for bound in bounds]
    return [Verdict(scene=scene, bound=bound, ratio=spread) for bound, spread in found if spread]
