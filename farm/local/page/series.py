"""What the metrics of the dashboard's graphs were of late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from farm.local.page.dashboard import Graph, Line

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef

QUERIES: Final = 500
"""CloudWatch takes no more in one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The points of one line, the oldest first: epoch seconds and value."""

    label: str
    period_seconds: int
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    graph: Graph
    series: tuple[Series, ...]


def measure(
    cloudwatch: CloudWatchClient, graphs: Sequence[Graph], *, now: datetime, minutes: int
) -> list[Measured]:
    """Every graph's lines over the last minutes. Raises what the client raises."""
    lines = [line for graph in graphs for line in graph.lines]
    found = [
        series
        for first in range(0, len(lines), QUERIES)
        for series in _ask(cloudwatch, lines[first : first + QUERIES], now=now, minutes=minutes)
    ]
    left = iter(found)
    return [Measured(graph=graph, series=tuple(next(left) for _ in graph.lines)) for graph in graphs]


def _ask(cloudwatch: CloudWatchClient, lines: Sequence[Line], *, now: datetime, minutes: int) -> list[Series]:
    if not lines:
        return []
    answers = cloudwatch.get_metric_data(
        MetricDataQueries=[_query(f"m{number}", line) for number, line in enumerate(lines)],
        StartTime=now - timedelta(minutes=minutes),
        EndTime=now + timedelta(minutes=1),  # the minute that is not over yet as well
    )["MetricDataResults"]
    points = {
        answer["Id"]: sorted(
            (moment.timestamp(), value)
            for moment, value in zip(answer["Timestamps"], answer["Values"], strict=True)
        )
        for answer in answers
    }
    return [
        Series(
            label=line.label,
            period_seconds=line.period_seconds,
            points=tuple(points.get(f"m{number}", ())),
        )
        for number, line in enumerate(lines)
    ]


def _query(name: str, line: Line) -> MetricDataQueryTypeDef:
    dimensions: list[DimensionTypeDef] = [
        {"Name": key, "Value": value} for key, value in line.dimensions.items()
    ]
    return {
        "Id": name,
        "Label": line.label,
        "MetricStat": {
            "Metric": {"Namespace": line.namespace, "MetricName": line.name, "Dimensions": dimensions},
            "Period": line.period_seconds,
            "Stat": line.statistic,
        },
    }
