"""How busy a machine is: measured for real where that is possible, and gathered by the minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from contract.metric_lines import Measured
from contract.metrics import (
    CPU_PERCENT,
    DISK_PERCENT,
    FLEET_DIMENSION,
    GPU_MEMORY_PERCENT,
    GPU_PERCENT,
    MEMORY_PERCENT,
)
from tests.support.aws_edges import aws_edges
from worker_agent.host_metrics.gpus import Gpus
from worker_agent.host_metrics.host import Host
from worker_agent.host_metrics.minute import Minute
from worker_agent.host_metrics.sender import LOOK_SECONDS, SEND_SECONDS, HostMetrics
from worker_agent.telemetry.metric_sinks import MetricCalls


def test_this_machine_is_measured(tmp_path: Path) -> None:
    host = Host(tmp_path / "not" / "made" / "yet")
    counting = threading.Event()
    threading.Thread(target=lambda: _count_until(counting), daemon=True).start()
    found = host.read()
    deadline = time.monotonic() + 10
    while not (busy := host.read()[CPU_PERCENT])[0] and time.monotonic() < deadline:
        pass
    counting.set()
    assert set(found) == {CPU_PERCENT, MEMORY_PERCENT, DISK_PERCENT}
    assert 0 < busy[0] <= 100
    assert found[MEMORY_PERCENT] == pytest.approx([psutil.virtual_memory().percent], abs=10)
    assert found[DISK_PERCENT] == pytest.approx([psutil.disk_usage(str(tmp_path)).percent], abs=2)


def _count_until(ended: threading.Event) -> None:
    while not ended.is_set():
        pass


def test_a_machine_without_nvidias_driver_says_nothing_of_gpus(caplog: pytest.LogCaptureFixture) -> None:
    """The real library, which finds no driver here; where it finds one, it measures."""
    with caplog.at_level(logging.WARNING):
        found = Gpus().read()
    assert set(found) in (set(), {GPU_PERCENT, GPU_MEMORY_PERCENT})
    assert caplog.records == []


class LostError(Exception):
    pass


class Library:
    """NVIDIA's, on a machine with two GPUs."""

    NVMLError = LostError

    def __init__(self) -> None:
        self.lost = False

    def nvmlInit(self) -> None:  # noqa: N802  # NVIDIA's name
        pass

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:  # noqa: N802
        if self.lost:
            raise LostError("GPU is lost")
        return SimpleNamespace(gpu=90 if handle else 30, memory=5)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: N802
        return SimpleNamespace(used=4 << 30, total=16 << 30, free=12 << 30)


def test_each_gpu_counts_until_one_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    library = Library()
    gpus = Gpus(library)
    assert gpus.read() == {GPU_PERCENT: [30, 90], GPU_MEMORY_PERCENT: [25, 25]}
    library.lost = True
    assert gpus.read() == {}
    library.lost = False
    assert gpus.read() == {}
    assert [record.getMessage() for record in caplog.records] == [
        "the GPUs are not measured any more: GPU is lost"
    ]


def test_a_minute_has_each_look_at_each_metric() -> None:
    minute = Minute()
    minute.add({CPU_PERCENT: [10], GPU_PERCENT: [30, 90]})
    minute.add({CPU_PERCENT: [70]})
    assert minute.measured() == [
        Measured(name=CPU_PERCENT, unit="Percent", values=(10, 70)),
        Measured(name=GPU_PERCENT, unit="Percent", values=(30, 90)),
    ]
    assert Minute().measured() == []


def measured(cloudwatch: Any, read: Callable[[], dict[str, list[float]]]) -> tuple[HostMetrics, list[float]]:
    """And the clock that it goes by."""
    now = [0.0]
    part = SimpleNamespace(read=read)
    sink = MetricCalls(cloudwatch, namespace="farm", fleet="workers")
    metrics = HostMetrics(sink, parts=[part], clock=lambda: now[0])
    return metrics, now


def test_what_cloudwatch_gets_is_the_fleets_and_no_machines() -> None:
    with aws_edges() as aws:
        metrics, now = measured(aws.cloudwatch, lambda: {MEMORY_PERCENT: [now[0]]})
        for second in range(0, 130, int(LOOK_SECONDS)):
            now[0] = second
            metrics.look()
        found = aws.cloudwatch.list_metrics(Namespace="farm")["Metrics"]
    assert [(metric["MetricName"], metric["Dimensions"]) for metric in found] == [
        (MEMORY_PERCENT, [{"Name": FLEET_DIMENSION, "Value": "workers"}])
    ]


def test_what_is_sent_is_the_minute_before() -> None:
    sent: list[Any] = []
    cloudwatch = SimpleNamespace(put_metric_data=lambda **call: sent.append(call))
    metrics, now = measured(cloudwatch, lambda: {MEMORY_PERCENT: [now[0]]})
    for second in range(0, 125, int(LOOK_SECONDS)):
        now[0] = second
        metrics.look()
    statistics = [call["MetricData"][0]["StatisticValues"] for call in sent]
    assert [(one["Minimum"], one["Maximum"]) for one in statistics] == [(0, 60), (65, 120)]
    assert statistics[0]["SampleCount"] == SEND_SECONDS / LOOK_SECONDS + 1


def test_trouble_is_told_once_and_measuring_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [RuntimeError("no disk"), RuntimeError("no disk"), {MEMORY_PERCENT: [50]}]

    def read() -> dict[str, list[float]]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    sent: list[Any] = []
    cloudwatch = SimpleNamespace(put_metric_data=lambda **call: sent.append(call))
    metrics, now = measured(cloudwatch, read)
    now[0] = SEND_SECONDS
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            metrics.look()
    assert len(sent) == 1
    assert len(caplog.records) == 1


def test_a_thread_measures_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker_agent.host_metrics.sender.LOOK_SECONDS", 0.01)
    looked = threading.Event()

    def read() -> dict[str, list[float]]:
        looked.set()
        return {}

    metrics, _ = measured(None, read)
    metrics.start()
    assert looked.wait(5)
    metrics.stop()
    assert not metrics._thread.is_alive()
