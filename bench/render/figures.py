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
    ratio: Spread | None
    """None when it was not measured."""
    pairs: int
    why_not: str

    @property
    def ok(self) -> bool:
        return self.ratio is not None and self.bound.holds(self.ratio.median)

    @property
    def words(self) -> str:
        what = f"{self.scene}: {self.bound.of} ÷ {self.bound.over}"
        if self.ratio is None:
            return f"{what}, {self.bound.words}: not measured: {self.why_not}"
        pairs = f"{self.pairs} pair{'s' if self.pairs != 1 else ''}"
        found = f"{self.ratio.words('.3f')} of {pairs}, {self.bound.words}"
        return f"{what} = {found}: {'ok' if self.ok else 'NOT OK'}"


def of_contender(rounds: Rounds, contender: str) -> list[Run]:
    return [runs[contender] for runs in rounds if contender in runs]


def pairs_of(rounds: Rounds, of: str, over: str) -> list[tuple[Run, Run]]:
    """Their runs in each round in which both ran."""
    return [(runs[of], runs[over]) for runs in rounds if of in runs and over in runs]


def ratio(
    rounds: Rounds, of: str, over: str, seconds: Callable[[Run], float] = lambda run: run.per_frame
) -> Spread | None:
    """Of each pair, seconds a frame; None when there is no pair."""
    pairs = pairs_of(rounds, of, over)
    return Spread.of([seconds(one) / seconds(other) for one, other in pairs]) if pairs else None


def verdicts(
    scene: str, bounds: Sequence[Bound], rounds: Rounds, why_not: str = "no round was run"
) -> list[Verdict]:
    """One for each bound; `why_not` is said of those for which there is no pair."""
    return [
        Verdict(
            scene=scene,
            bound=bound,
            ratio=ratio(rounds, bound.of, bound.over),
            pairs=len(pairs_of(rounds, bound.of, bound.over)),
            why_not=why_not,
        )
        for bound in bounds
    ]
