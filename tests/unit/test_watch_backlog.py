"""A minute of measures while the fleet may be to grow: what the schedule asks of the Lambda."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract.job import JobState
from contract.scaling import TELLING_FRAMES
from functions.measure_backlog import handler
from tests.support.measured_farm import MeasuredFarm, measured_farm
from tests.support.measured_hours import Hours


@pytest.fixture
def farm() -> Iterator[MeasuredFarm]:
    with measured_farm() as farm:
        yield farm


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


def test_who_has_what_the_work_wants_is_measured_once_a_minute(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    farm.has_what_its_work_wants()
    assert farm.measure({"watch": True})["wanted_workers"] == 1
    assert hours.measured_at == [0]


def test_a_fleet_that_is_to_grow_is_watched_until_its_group_has_heard(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    farm.rendering("long", frames=25, done=[500.0] * TELLING_FRAMES)
    farm.send(farm.aws.render_queue_url, 5)
    farm.autoscaling.desired = 1
    hours.happens[15] = lambda: setattr(farm.autoscaling, "desired", 5)
    assert farm.measure({"watch": True})["grow_to"] > 1
    assert hours.measured_at == [0, 10, 20]
    assert farm.emitted()["GrowTo"] > 1, "the highest of these minutes"


def test_a_bake_and_frames_that_nobody_has_timed_are_watched(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bake is in flight, and ends at 15; enough frames have been timed at 35."""
    hours = Hours(monkeypatch)
    farm.job("new", JobState.BAKING)
    farm.send(farm.aws.bake_queue_url, 1)
    (task,) = farm.aws.sqs.receive_message(QueueUrl=farm.aws.bake_queue_url)["Messages"]
    farm.autoscaling.desired = 1

    def fan_out() -> None:
        farm.aws.sqs.delete_message(QueueUrl=farm.aws.bake_queue_url, ReceiptHandle=task["ReceiptHandle"])
        farm.rendering("new", frames=25)
        farm.send(farm.aws.render_queue_url, 5)

    hours.happens[15] = fan_out
    hours.happens[35] = lambda: farm.rendering("new", frames=25, done=[2.0] * TELLING_FRAMES)
    farm.measure({"watch": True})
    assert hours.measured_at == [0, 10, 20, 30, 40]
