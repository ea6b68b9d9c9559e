"""A minute of measures while there is work: what the schedule asks of the Lambda."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from contract.job import JobState
from contract.scaling import TELLING_FRAMES
from contract.worker_record import Doing
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
        self.happens: dict[float, Callable[[], object]] = {}
        """What is to happen at which second, while the run sleeps."""

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        end = self.now + seconds
        for at in sorted(at for at in self.happens if at <= end - 1000):
            self.now = 1000 + at
            self.happens.pop(at)()
        self.now = end

    def run(self, farm: MeasuredFarm, watcher: str) -> MeasuredFarm:
        """The same farm, as another run of the Lambda at this clock sees it."""
        turn = replace(farm.measurement.turn, watcher=watcher, now=lambda: self.now)
        other = copy(farm)
        other.measurement = replace(farm.measurement, turn=turn)
        return other


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


def test_an_upload_lets_the_fleet_grow_before_the_minute_is_over(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracking counts on one measure a minute, so that it is not told of this one."""
    Hours(monkeypatch)
    farm.send(farm.aws.bake_queue_url, 1)
    assert farm.measure({"uploaded": True})["grow_to"] == 1
    metrics = farm.aws.cloudwatch.list_metrics(Namespace="Studio")["Metrics"]
    assert {metric["MetricName"] for metric in metrics} == {"GrowTo"}


def steady(farm: MeasuredFarm) -> None:
    """One worker is at a job of short frames, and the farm wants no other."""
    farm.rendering("steady", frames=25, done=[10.0] * TELLING_FRAMES)
    farm.worker("i-0", Doing.RENDER, "steady")
    farm.send(farm.aws.render_queue_url, 25 - TELLING_FRAMES)
    farm.autoscaling.desired = 1


def test_who_has_what_the_work_wants_is_measured_once_a_minute(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    steady(farm)
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


def test_an_upload_to_a_farm_that_is_awake_does_not_wait_for_the_minute(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    steady(farm)
    farm.job("new")
    farm.send(farm.aws.bake_queue_url, 1)
    assert farm.measure({"uploaded": True})["grow_to"] == 2
    assert hours.measured_at == [0, 10, 20, 30, 40, 50]


@pytest.mark.parametrize("desired", [0, 1])
def test_an_upload_is_watched_that_the_queue_does_not_count_yet(
    farm: MeasuredFarm, desired: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    farm.job("new")
    farm.autoscaling.desired = desired
    hours.happens[15] = lambda: farm.send(farm.aws.bake_queue_url, 1)
    assert farm.measure({"uploaded": True})["tasks"] == 0
    assert len(hours.measured_at) == 6
    assert farm.emitted()["GrowTo"] == 1 - desired


def test_of_many_uploads_at_once_one_is_watched(farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two come while the first one's run sleeps, and leave all to it. One that comes later looks itself."""
    hours = Hours(monkeypatch)
    farm.job("new")
    farm.send(farm.aws.bake_queue_url, 1)
    answers: list[dict[str, Any]] = []

    def upload() -> None:
        answers.append(hours.run(farm, f"at {hours.now}").measure({"uploaded": True}))

    hours.happens = {1: upload, 45: upload}
    hours.run(farm, "first").measure({"uploaded": True})
    assert answers == [{}, {}]
    assert hours.measured_at == [0, 10, 20, 30, 40, 50]
    hours.now, hours.measured_at = 1061.0, []
    hours.run(farm, "fourth").measure({"uploaded": True})
    assert hours.measured_at[0] == 61


def test_the_minutes_run_takes_the_watch_over(farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins at 25, while an upload's run sleeps: that looks once more, as it has promised, and ends."""
    hours = Hours(monkeypatch)
    farm.job("new")
    farm.send(farm.aws.bake_queue_url, 1)
    minute = hours.run(farm, "minute")

    def begin() -> None:
        minute.measurement.turn.take()
        assert minute.measurement.turn.keep(10)

    hours.happens[25] = begin
    hours.run(farm, "upload").measure({"uploaded": True})
    assert hours.measured_at == [0, 10, 20, 30]
    assert hours.run(farm, "another").measure({"uploaded": True}) == {}, "the minute's run looks at 35"


def test_the_minutes_run_watches_whoever_else_does(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    farm.send(farm.aws.render_queue_url, 1)
    assert hours.run(farm, "upload").measurement.turn.claim()
    hours.run(farm, "minute").measure({"watch": True})
    assert hours.measured_at == [0, 10, 20, 30, 40, 50]


def test_uploads_that_come_while_the_first_one_is_measured_leave_it_to_that(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If that look comes too early for them, the next one does not."""
    hours = Hours(monkeypatch)
    first, second = (hours.run(farm, name).measurement.turn for name in ("first", "second"))
    claims = []
    for turn, at in ((first, 0), (second, 0), (second, 9), (second, 10), (first, 19)):
        hours.now = 1000.0 + at
        claims.append(turn.claim())
    assert claims == [True, False, False, True, False]
