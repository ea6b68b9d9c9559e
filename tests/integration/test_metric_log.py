"""Metrics as lines of an emulated CloudWatch's log, and beside a log that hangs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from contract.metric_lines import Measured
from contract.metrics import CPU_PERCENT, FRAME_SECONDS, FRAMES_DONE, FRAMES_FAILED
from farm.local.page.dashboard import Graph, Line
from farm.local.page.series import measure
from tests.support.embedded_metrics import Extracted, Series, extracted
from tests.support.emulator import AwsClients, an_emulator
from worker_agent.services.clients import ONE_TRY
from worker_agent.telemetry.metric_sinks import END_SECONDS, MetricCalls, MetricLog
from worker_agent.telemetry.metrics import FrameMetrics

GROUP, WORKER = "/farm/workers", "i-0123456789abcdef0"
FLEET = (("Fleet", "workers"),)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with an_emulator(tmp_path_factory.mktemp("emulator")) as endpoint:
        yield endpoint


def in_the_log(endpoint: str) -> list[dict[Series, Extracted]]:
    """What CloudWatch would make of each line of the worker's metrics."""
    logs = AwsClients(endpoint).client("logs")
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=f"{WORKER}/metrics", startFromHead=True)
    return [extracted(event["message"]) for event in events["events"]]


def test_metrics_arrive_in_a_stream_of_their_own_as_cloudwatch_reads_them(endpoint: str) -> None:
    logs = AwsClients(endpoint).client("logs")
    logs.create_log_group(logGroupName=GROUP)
    sink = MetricLog(logs, group=GROUP, worker_id=WORKER, namespace="Studio/Farm", fleet="workers")
    frames, began = FrameMetrics(sink), time.time()
    frames.send()
    for number in range(150):
        frames.frame_done(0.5 + number)
    frames.frame_failed()
    frames.send()
    frames.send()  # and nothing has been measured since
    sink.tell([Measured(name=CPU_PERCENT, unit="Percent", values=(12.5, 100))])
    sink.close()
    first, second, host = in_the_log(endpoint)
    done, failed, seconds, cpu = (
        ("Studio/Farm", name, FLEET) for name in (FRAMES_DONE, FRAMES_FAILED, FRAME_SECONDS, CPU_PERCENT)
    )
    assert set(first) == {done, failed, seconds} and set(second) == {seconds}
    assert (first[done].values, first[failed].values) == ((150,), (1,))
    assert first[seconds].values + second[seconds].values == tuple(0.5 + n for n in range(150))
    assert host[cpu].values == (12.5, 100)
    assert began - 1 < host[cpu].at_milliseconds / 1000 < time.time() + 1


@pytest.mark.filterwarnings("ignore::watchtower.WatchtowerWarning")  # of the lines that are lost
def test_a_log_that_hangs_holds_up_neither_a_frame_nor_the_end() -> None:
    deaf = socket.create_server(("127.0.0.1", 0), backlog=100)  # takes connections, and never answers
    client = boto3.Session("a", "b", region_name="us-east-1").client(
        "logs", endpoint_url=f"http://127.0.0.1:{deaf.getsockname()[1]}", config=ONE_TRY
    )
    threads = set(threading.enumerate())
    sink = MetricLog(client, group=GROUP, worker_id=WORKER, namespace="farm", fleet="workers")
    frames, began = FrameMetrics(sink), time.monotonic()
    for _ in range(100):
        frames.frame_done(1.0)
        frames.send()
    assert time.monotonic() - began < 1
    sink.close()
    assert time.monotonic() - began < END_SECONDS + 2
    deaf.close()
    for thread in set(threading.enumerate()) - threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_laptops_page_reads_the_sums_of_what_is_sent_by_calls(endpoint: str) -> None:
    cloudwatch = AwsClients(endpoint).client("cloudwatch")
    frames = FrameMetrics(MetricCalls(cloudwatch, namespace="laptop", fleet="workers"))
    for seconds in (1.5, 2.5):
        frames.frame_done(seconds)
    frames.send()
    line: dict[str, Any] = {
        "namespace": "laptop",
        "dimensions": {"Fleet": "workers"},
        "period_seconds": 60,
        "label": "x",
    }
    lines = (
        Line(name=FRAMES_DONE, statistic="Sum", **line),
        Line(name=FRAME_SECONDS, statistic="Average", **line),
    )
    graph = Graph(title="Frames", lines=lines)
    (shown,) = measure(cloudwatch, [graph], now=datetime.now(UTC), minutes=5)
    assert [value for series in shown.series for _, value in series.points] == [2, 2]
