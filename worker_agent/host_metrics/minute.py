"""What was measured in one minute, as CloudWatch takes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from contract.metrics import FLEET_DIMENSION

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef


class Minute:
    def __init__(self) -> None:
        self._percents: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, percents: Mapping[str, Iterable[float]]) -> None:
        """What one look has found, by the names of the metrics."""
        for name, found in percents.items():
            self._percents[name] += found

    def data(self, fleet: str) -> list[MetricDatumTypeDef]:
        """One datum for each metric, with its mean and its extremes; of the fleet, whichever machine it is:
        a metric for each machine would cost for each.
        """
        return [
            {
                "MetricName": name,
                "Dimensions": [{"Name": FLEET_DIMENSION, "Value": fleet}],
                "Unit": "Percent",
                "StatisticValues": {
                    "SampleCount": len(found),
                    "Sum": sum(found),
                    "Minimum": min(found),
                    "Maximum": max(found),
                },
            }
            for name, found in sorted(self._percents.items())
            if found
        ]
