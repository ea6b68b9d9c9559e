"""Where the measure goes: metrics of the fleet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from contract.metrics import (
    BACKLOG_PER_INSTANCE,
    BACKLOG_SECONDS,
    CAPACITY_REFUSED,
    FLEET_DIMENSION,
    GROW_TO,
    SECONDS_WITHOUT_PROGRESS,
    WANTED_WORKERS,
)
from contract.scaling import Backlog
from contract.settings import BacklogSettings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StandardUnitType

_UNITS: Final[Mapping[str, StandardUnitType]] = {
    BACKLOG_PER_INSTANCE: "None",  # seconds, too; but the tracking policy names no unit
    BACKLOG_SECONDS: "Seconds",
    WANTED_WORKERS: "Count",
    GROW_TO: "Count",
    CAPACITY_REFUSED: "None",
    SECONDS_WITHOUT_PROGRESS: "Seconds",
}

_RESOLUTION_SECONDS: Final = {GROW_TO: 1}
"""Of the metric that an alarm looks at more often than each minute; AWS knows 1 and 60."""


def values_of(backlog: Backlog) -> dict[str, float]:
    """A measure's metrics, by their names."""
    return {
        BACKLOG_PER_INSTANCE: backlog.backlog_per_instance,
        BACKLOG_SECONDS: backlog.backlog_seconds,
        WANTED_WORKERS: backlog.wanted_workers,
        GROW_TO: backlog.grow_to,
    }


def emit(values: Mapping[str, float], settings: BacklogSettings, *, cloudwatch: CloudWatchClient) -> None:
    """Write metrics in one call, so that they belong to one moment."""
    cloudwatch.put_metric_data(
        Namespace=settings.cloudwatch_namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": FLEET_DIMENSION, "Value": settings.worker_asg_name}],
                "Value": value,
                "Unit": _UNITS[name],
                "StorageResolution": _RESOLUTION_SECONDS.get(name, 60),
            }
            for name, value in values.items()
        ],
    )
