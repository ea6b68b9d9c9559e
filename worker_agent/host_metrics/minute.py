"""What was measured in one minute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from contract.metric_lines import Measured


class Minute:
    def __init__(self) -> None:
        self._percents: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, percents: Mapping[str, Iterable[float]]) -> None:
        """What one look has found, by the names of the metrics."""
        for name, found in percents.items():
            self._percents[name] += found

    def measured(self) -> list[Measured]:
        """Of each metric what there is, in the order of their names."""
        return [
            Measured(name=name, unit="Percent", values=tuple(found))
            for name, found in sorted(self._percents.items())
            if found
        ]
