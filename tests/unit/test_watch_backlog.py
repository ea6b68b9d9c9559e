"""A minute of measures while there is work: what the schedule asks of the Lambda."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.measure_backlog import handler
from functions.measure_backlog.observation import observe
from tests.support.measured_farm import MeasuredFarm, measured_farm


@pytest.fixture
def farm() -> Iterator[MeasuredFarm]:
    with measured_farm() as farm:
        yield farm


class Hours:
    """The clock of a run, which sleep moves on and each measure by so many seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, measure_seconds: float = 0.5) -> None:
        self.now = 1000.0
        self.measured_at: list[float] = []
        monkeypatch.setattr(f"{handler.__name__}.monotonic", lambda: self.now)
        monkeypatch.setattr(f"{handler.__name__}.sleep", self.sleep)
        observed = observe

        def note(*arguments: Any, **values: Any) -> Any:
            self.measured_at.append(self.now - 1000)
            self.now += measure_seconds
            return observed(*arguments, **values)

        monkeypatch.setattr("functions.measure_backlog.measurement.observe", note)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


def test_work_is_looked_at_every_ten_seconds(farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = Hours(monkeypatch)
    farm.send(farm.aws.render_queue_url, 1)
    farm.measure({"watch": True})
    assert hours.measured_at == [0, 10, 20, 30, 40, 50]


def test_slow_measures_never_reach_into_the_next_minute(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch, measure_seconds=24)
    farm.send(farm.aws.render_queue_url, 1)
    farm.measure({"watch": True})
    assert hours.measured_at == [0, 30]


@pytest.mark.parametrize("event", [{}, None, {"watch": False}])
def test_who_asks_by_hand_is_answered_at_once(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any] | None
) -> None:
    hours = Hours(monkeypatch)
    farm.send(farm.aws.render_queue_url, 1)
    farm.measure(event)
    assert hours.measured_at == [0]


def test_an_idle_farm_is_measured_once_and_work_that_ends_is_let_be(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    farm.measure({"watch": True})
    assert hours.measured_at == [0]
    farm.send(farm.aws.render_queue_url, 1)
    looks = iter([None, None, lambda: farm.aws.sqs.purge_queue(QueueUrl=farm.aws.render_queue_url)])
    slept = hours.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        if happens := next(looks):
            happens()

    monkeypatch.setattr(f"{handler.__name__}.sleep", sleep)
    hours.now, hours.measured_at = 1000.0, []
    farm.measure({"watch": True})
    assert hours.measured_at == [0, 10, 20, 30]


def test_tracking_gets_one_measure_a_minute_and_the_steps_each(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    Hours(monkeypatch)
    farm.send(farm.aws.render_queue_url, 1)
    sent: list[dict[str, int]] = []
    put = farm.aws.cloudwatch.put_metric_data

    def note(**values: Any) -> None:
        sent.append({datum["MetricName"]: datum["StorageResolution"] for datum in values["MetricData"]})
        put(**values)

    monkeypatch.setattr(farm.aws.cloudwatch, "put_metric_data", note)
    farm.measure({"watch": True})
    assert sent[0] == {
        "BacklogPerInstance": 60,
        "BacklogSeconds": 60,
        "WantedWorkers": 60,
        "GrowTo": 1,
        "CapacityRefused": 60,
    }
    assert sent[1:] == [{"SecondsWithoutProgress": 60}, *[{"GrowTo": 1}] * 5]


def test_an_upload_lets_the_fleet_grow_before_the_minute_is_over(farm: MeasuredFarm) -> None:
    """Tracking counts on one measure a minute, so that it is not told of this one."""
    farm.send(farm.aws.bake_queue_url, 1)
    assert farm.measure({"uploaded": True})["grow_to"] == 1
    metrics = farm.aws.cloudwatch.list_metrics(Namespace="Studio")["Metrics"]
    assert {metric["MetricName"] for metric in metrics} == {"GrowTo"}
