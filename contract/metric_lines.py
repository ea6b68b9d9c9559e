"""Metrics as lines of a log, from which CloudWatch makes them: the embedded metric format.

Such a line costs what its bytes cost, and no call; who writes it needs no way to CloudWatch's metrics.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from contract.metrics import FLEET_DIMENSION

MOST_VALUES: Final = 100
"""Of one metric in one line."""


Unit = Literal["Seconds", "Count", "Percent", "Bytes"]
"""As CloudWatch calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of one metric, each time that it was."""

    name: str
    """Of contract.metrics."""
    unit: Unit
    values: tuple[float, ...]


def metrics_stream(worker_id: str) -> str:
    """The name of a worker's log stream that has these lines alone: people read the one of its id."""
    return f"{worker_id}/metrics"


def metric_lines(
    measured: Iterable[Measured],
    *,
    namespace: str,
    fleet: str,
    at: datetime,
    beside: Mapping[str, object] | None = None,
) -> Iterator[str]:
    """As many lines as the values need, each whole in itself. What stands `beside` them is no metric and is
    paid for as none; it can be searched in the log.
    """
    found = [one for one in measured if one.values]
    for start in range(0, max((len(one.values) for one in found), default=0), MOST_VALUES):
        here = [one for one in found if len(one.values) > start]
        directive = {
            "Namespace": namespace,
            "Dimensions": [[FLEET_DIMENSION]],
            "Metrics": [{"Name": one.name, "Unit": one.unit} for one in here],
        }
        yield json.dumps(
            {
                **(beside or {}),
                "_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]},
                FLEET_DIMENSION: fleet,
                **{one.name: _target(one.values[start : start + MOST_VALUES]) for one in here},
            },
            separators=(",", ":"),  # each byte is paid for
        )


def _target(values: Sequence[float]) -> float | list[float]:
    """As CloudWatch reads it; a thousandth of a second or of a percent is all that anybody looks at."""
    rounded = [round(value, 3) for value in values]
    return rounded[0] if len(rounded) == 1 else rounded
