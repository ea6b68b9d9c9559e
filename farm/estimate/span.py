"""A number that is not known exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Between `low` and `high`, and most likely `likely`."""

    low: float
    likely: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Self:
        return cls(low=value, likely=value, high=value)

    @classmethod
    def around(cls, likely: float, values: Iterable[float]) -> Self:
        """As wide as these values."""
        every = [likely, *values]
        return cls(low=min(every), likely=likely, high=max(every))

    def times(self, low: float, likely: float | None = None, high: float | None = None) -> Self:
        """Each end by its own factor; one factor is for all."""
        return type(self)(
            low=self.low * low,
            likely=self.likely * (low if likely is None else likely),
            high=self.high * (low if high is None else high),
        )

    def to_map(self) -> dict[str, float]:
        return {
            "low": round(self.low, 4),
            "likely": round(self.likely, 4),
            "high": round(self.high, 4),
        }
