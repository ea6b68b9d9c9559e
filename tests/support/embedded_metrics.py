"""What CloudWatch makes of a line in the embedded metric format, by its specification.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final

Series = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, name and dimensions: what makes two metrics one."""

MOST_METRICS: Final = 100
MOST_VALUES: Final = 100
MOST_DIMENSIONS: Final = 9
MOST_BYTES: Final = 256 * 1024
"""Of a line: what it was for long; some pages of today say 1 MB."""
UNITS: Final = ("Seconds", "Bytes", "Percent", "Count")
"""Of CloudWatch's, those that the farm has."""


@dataclass(frozen=True, slots=True)
class Extracted:
    unit: str
    values: tuple[float, ...]
    at_milliseconds: int


def extracted(line: str) -> dict[Series, Extracted]:
    """Raises AssertionError where the specification says MUST and the line does not."""
    assert len(line.encode()) <= MOST_BYTES
    root = json.loads(line, parse_constant=lambda word: _refuse(f"{word} is no JSON"))
    assert isinstance(root, dict) and isinstance(root["_aws"], dict)
    assert set(root["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    timestamp = root["_aws"]["Timestamp"]
    assert type(timestamp) is int and 1_700_000_000_000 < timestamp < 10_000_000_000_000
    found: dict[Series, Extracted] = {}
    for directive in root["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert _is_name(directive["Namespace"])
        assert directive["Dimensions"], "at least one set, or nothing is extracted"
        assert 0 < len(directive["Metrics"]) <= MOST_METRICS
        for keys in directive["Dimensions"]:
            assert len(keys) <= MOST_DIMENSIONS
            dimensions = tuple(sorted((key, _dimension(root[key])) for key in keys))
            for metric in directive["Metrics"]:
                assert set(metric) == {"Name", "Unit"} and _is_name(metric["Name"])
                assert metric["Unit"] in UNITS
                series = (directive["Namespace"], metric["Name"], dimensions)
                assert series not in found, "once in a line"
                found[series] = Extracted(metric["Unit"], _target(root[metric["Name"]]), timestamp)
    return found


def _dimension(value: Any) -> str:
    assert isinstance(value, str) and 0 < len(value) <= 1024
    return value


def _target(value: Any) -> tuple[float, ...]:
    values = value if isinstance(value, list) else [value]
    assert 0 < len(values) <= MOST_VALUES
    assert all(type(one) in (int, float) and math.isfinite(one) for one in values)
    return tuple(values)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name) <= 255


def _refuse(why: str) -> None:
    raise AssertionError(why)
