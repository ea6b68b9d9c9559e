"""Lines of the log from which CloudWatch makes metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from contract import metrics
from contract.metric_lines import Measured, metric_lines
from tests.support.embedded_metrics import extracted

AT = datetime(2026, 11, 30, 12, 0, 0, 5000, tzinfo=UTC)
WORKERS = (("Fleet", "workers"),)


def lines(*measured: Measured, beside: dict[str, object] | None = None) -> list[str]:
    return list(metric_lines(measured, namespace="Farm", fleet="workers", at=AT, beside=beside))


def seconds(count: int) -> Measured:
    return Measured(name=metrics.FRAME_SECONDS, unit="Seconds", values=tuple(range(count)))


def test_a_line_is_as_the_specification_has_it() -> None:
    failed = Measured(name=metrics.FRAMES_FAILED, unit="Count", values=(2,))
    (line,) = lines(seconds(3), failed, beside={"kept": 4})
    assert json.loads(line) == {
        "kept": 4,
        "_aws": {
            "Timestamp": int(AT.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Farm",
                    "Dimensions": [["Fleet"]],
                    "Metrics": [
                        {"Name": "FrameSeconds", "Unit": "Seconds"},
                        {"Name": "FramesFailed", "Unit": "Count"},
                    ],
                }
            ],
        },
        "Fleet": "workers",
        "FrameSeconds": [0, 1, 2],
        "FramesFailed": 2,
    }


def test_nothing_measured_is_no_line() -> None:
    assert lines() == lines(seconds(0)) == []


@pytest.mark.parametrize(
    ("frames", "looks"), [(1, 0), (99, 1), (100, 100), (150, 100), (101, 12), (250, 101), (350, 0)]
)
def test_every_value_arrives_once_however_many_there_are(frames: int, looks: int) -> None:
    taken = [0.0007 + 1.1 * number for number in range(frames)]
    busy = list(range(looks))
    told = lines(
        Measured(name=metrics.FRAME_SECONDS, unit="Seconds", values=tuple(taken)),
        Measured(name=metrics.CPU_PERCENT, unit="Percent", values=tuple(busy)),
    )
    assert len(told) == max(-(-len(taken) // 100), -(-len(busy) // 100))
    arrived: dict[str, list[float]] = {metrics.FRAME_SECONDS: [], metrics.CPU_PERCENT: []}
    for line in told:
        for (namespace, name, dimensions), found in extracted(line).items():
            assert (namespace, dimensions) == ("Farm", WORKERS)
            assert found.unit == ("Seconds" if name == metrics.FRAME_SECONDS else "Percent")
            assert found.at_milliseconds == 1_796_040_000_005
            arrived[name] += found.values
    assert arrived == {  # in their order, and rounded
        metrics.FRAME_SECONDS: [round(value, 3) for value in taken],
        metrics.CPU_PERCENT: busy,
    }


def test_all_that_a_machine_measures_fits_in_a_line() -> None:
    """Eight GPUs, looked at each five seconds."""
    percents = (
        metrics.CPU_PERCENT,
        metrics.MEMORY_PERCENT,
        metrics.DISK_PERCENT,
        metrics.GPU_PERCENT,
        metrics.GPU_MEMORY_PERCENT,
    )
    values = tuple(100 / 7 for _ in range(8 * 12))
    (line,) = lines(*(Measured(name=name, unit="Percent", values=values) for name in percents))
    assert {name for _, name, _ in extracted(line)} == set(percents)
