"""An upload is measured at once and watched until the minute's run takes over, by one run for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.measure_backlog import measurement
from tests.support.measured_farm import MeasuredFarm, measured_farm
from tests.support.measured_hours import Hours


@pytest.fixture
def farm() -> Iterator[MeasuredFarm]:
    with measured_farm() as farm:
        yield farm


def test_an_upload_lets_the_fleet_grow_before_the_minute_is_over(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracking counts on one measure a minute, so that it is not told of this one."""
    Hours(monkeypatch)
    farm.send(farm.aws.bake_queue_url, 1)
    assert farm.measure({"uploaded": True})["grow_to"] == 1
    metrics = farm.aws.cloudwatch.list_metrics(Namespace="Studio")["Metrics"]
    assert {metric["MetricName"] for metric in metrics} == {"GrowTo"}


def test_an_upload_to_a_farm_that_is_awake_does_not_wait_for_the_minute(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    farm.has_what_its_work_wants()
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


def test_an_upload_is_watched_of_which_nothing_is_to_be_seen_yet(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index of jobs is as late as the queue's count."""
    hours = Hours(monkeypatch)

    def seen() -> None:
        farm.job("new")
        farm.send(farm.aws.bake_queue_url, 1)

    hours.happens[5] = seen
    assert farm.measure({"uploaded": True})["tasks"] == 0
    assert hours.measured_at == [0, 10, 20, 30, 40, 50]
    assert farm.emitted()["GrowTo"] == 1


def test_a_look_that_fails_promises_no_other(farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = Hours(monkeypatch)
    farm.job("new")
    farm.send(farm.aws.bake_queue_url, 1)
    first = hours.run(farm, "first")
    with monkeypatch.context() as patched:
        patched.setattr(measurement, "observe", raises_os_error)
        with pytest.raises(OSError, match="throttled"):
            first.measure({"uploaded": True})
    hours.now += 1
    assert hours.run(farm, "second").measure({"uploaded": True})["grow_to"] == 1


def test_a_run_that_leaves_takes_no_other_ones_promise_back(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(monkeypatch)
    upload, minute, another = (hours.run(farm, name).measurement.turn for name in ("first", "minute", "b"))
    assert upload.claim()
    minute.take()
    assert minute.keep(10)
    upload.leave()
    assert not another.claim()


def raises_os_error(*_: object, **__: object) -> None:
    raise OSError("throttled")
