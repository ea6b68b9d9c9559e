"""An estimate as a person reads it, and for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from farm.estimate.basis import Basis
from farm.estimate.forecast import Forecast
from farm.estimate.span import Span
from farm.wording import dollars, duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    file: str
    basis: Basis
    forecast: Forecast
    hour_words: str
    """Where an hour's price is from."""
    notes: tuple[str, ...] = ()
    """Why it rests on no better basis."""

    def to_map(self) -> dict[str, Any]:
        return {
            "file": self.file,
            **self.forecast.to_map(),
            "basis": self.basis.kind,
            "rests_on": [*self.basis.words, *self.notes, f"an hour of a machine: {self.hour_words}"],
            "details": dict(self.basis.details),
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """What it is about, and the words."""
        of = self.forecast
        yield "time", f"{ranged(of.seconds, duration)} with {_counted(of.workers, 'machine')}"
        yield "cost", ranged(of.dollars, dollars) if of.dollars else "unknown"
        yield "frames", f"{of.frames:,}, {ranged(of.frame_seconds, duration)} each"
        yield "machines", f"{ranged(of.machine_seconds, duration)} of them altogether, with start and idling"
        for words in (*self.basis.words, *self.notes):
            yield "rests on", words
        yield "rests on", f"an hour of a machine: {self.hour_words}"
        yield "rests on", "a farm that has nothing else to do, and machines that AWS has"


def ranged(span: Span, said: Callable[[float], str]) -> str:
    """Such as `about 12 min (9 min to 20 min)`."""
    low, likely, high = said(span.low), said(span.likely), said(span.high)
    return likely if low == high else f"about {likely} ({low} to {high})"


def _counted(count: int, name: str) -> str:
    return f"1 {name}" if count == 1 else f"{count:,} {name}s"
