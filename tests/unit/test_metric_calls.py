"""Metrics by calls, for a farm whose logs nobody reads any from."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from contract.metric_lines import Measured
from contract.metrics import CPU_PERCENT, FRAMES_DONE
from tests.support.aws_edges import aws_edges
from worker_agent.services.clients import ONE_TRY
from worker_agent.telemetry.metric_sinks import MetricCalls

BUSY = Measured(name=CPU_PERCENT, unit="Percent", values=(10, 30, 80))
DONE = Measured(name=FRAMES_DONE, unit="Count", values=(4,))


def test_a_call_has_each_metric_with_its_statistics() -> None:
    now = datetime.now(UTC)
    with aws_edges() as aws:
        MetricCalls(aws.cloudwatch, namespace="farm", fleet="workers").tell([BUSY, DONE])
        found = {
            name: aws.cloudwatch.get_metric_statistics(
                Namespace="farm",
                MetricName=name,
                Dimensions=[{"Name": "Fleet", "Value": "workers"}],
                StartTime=now - timedelta(hours=1),
                EndTime=now + timedelta(hours=1),
                Period=7200,
                Statistics=["SampleCount", "Sum", "Minimum", "Maximum"],
            )["Datapoints"]
            for name in (CPU_PERCENT, FRAMES_DONE)
        }
    (busy,), (done,) = found[CPU_PERCENT], found[FRAMES_DONE]
    assert (busy["Unit"], busy["SampleCount"], busy["Sum"]) == ("Percent", 3, 120)
    assert (busy["Minimum"], busy["Maximum"]) == (10, 80)
    assert (done["Unit"], done["SampleCount"], done["Sum"]) == ("Count", 1, 4)


def test_what_cannot_be_sent_is_dropped_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    away = boto3.Session("a", "b", region_name="us-east-1").client(
        "cloudwatch", endpoint_url="http://127.0.0.1:9", config=ONE_TRY
    )
    calls = MetricCalls(away, namespace="farm", fleet="workers")
    with caplog.at_level(logging.WARNING, "worker_agent"):
        calls.tell([])
        assert caplog.records == []
        for _ in range(3):
            calls.tell([DONE])
    assert len(caplog.records) == 1
