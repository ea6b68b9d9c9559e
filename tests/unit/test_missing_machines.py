"""A group that is short of machines: what the waiting jobs and the metrics say of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract.job import JobState
from contract.worker_record import Doing
from functions.measure_backlog.work import look
from tests.support.measured_farm import GROUP, MeasuredFarm, measured_farm


@pytest.fixture
def farm() -> Iterator[MeasuredFarm]:
    """It wants three machines and has one."""
    with measured_farm() as farm:
        farm.send(farm.aws.render_queue_url, 6)
        farm.autoscaling.desired, farm.autoscaling.states = 3, ["InService", "Terminating:Wait"]
        yield farm


def test_the_jobs_that_wait_say_why(farm: MeasuredFarm) -> None:
    for job_id, state in (
        ("queued", JobState.QUEUED),
        ("rendered", JobState.RENDERING),
        ("lost", JobState.RENDERING),
        ("held", JobState.HELD),
        ("over", JobState.DONE),
    ):
        farm.job(job_id, state)
    farm.worker("i-1", Doing.RENDER, "rendered")
    before = farm.item("queued")
    farm.autoscaling.refuse()
    why = farm.measure()["refused"]
    assert why == (
        "AWS has no Spot machine of these types free now (m6i.2xlarge, m5.2xlarge)"
        " in these zones (eu-central-1a): it is asked again until there is one"
    )
    assert farm.autoscaling.asked == [GROUP]
    assert farm.emitted()["CapacityRefused"] == 1
    assert farm.waiting_for("queued") == farm.waiting_for("lost") == why
    assert {farm.waiting_for(job_id) for job_id in ("rendered", "held", "over")} == {""}
    assert {**farm.item("queued"), "waiting_for": ""} == before, "nothing else moves"


def test_it_is_written_once_and_taken_off_when_capacity_comes(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.job("a")
    farm.autoscaling.refuse()
    writes: list[tuple[str, str]] = []
    records = farm.measurement.records
    say = records.say_what_it_waits_for

    def note(job_id: str, what: str) -> None:
        writes.append((job_id, what))
        say(job_id, what)

    monkeypatch.setattr(records, "say_what_it_waits_for", note)
    for _ in range(3):
        why = farm.measure()["refused"]
    assert writes == [("a", why)]
    farm.autoscaling.states = ["InService", "Pending", "Pending:Wait"]
    farm.measure()
    assert writes == [("a", why), ("a", "")]
    assert farm.waiting_for("a") == ""


def test_a_job_that_ended_meanwhile_is_left_as_it_is(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.job("a")
    farm.job("b")
    farm.autoscaling.refuse()

    def ended_meanwhile(*arguments: Any) -> Any:
        work = look(*arguments)
        farm.job("a", JobState.CANCELED)
        return work

    monkeypatch.setattr("functions.measure_backlog.measurement.look", ended_meanwhile)
    farm.measure()
    assert farm.waiting_for("a") == ""
    assert farm.item("a")["state"] == "CANCELED"
    assert farm.waiting_for("b")


def test_a_refusal_from_before_the_jobs_says_nothing_of_now(farm: MeasuredFarm) -> None:
    farm.job("a")  # ten minutes ago
    farm.autoscaling.refuse(ago_seconds=3600)
    farm.measure()
    assert farm.waiting_for("a") == ""
    assert farm.emitted()["CapacityRefused"] == 0


def test_the_metrics_are_emitted_even_if_the_reason_cannot_be_had(
    farm: MeasuredFarm, caplog: pytest.LogCaptureFixture
) -> None:
    farm.job("a", waiting_for="no Spot machine")
    farm.autoscaling.error = RuntimeError("no such action")
    assert farm.measure()["tasks"] == 6
    assert farm.emitted().keys() == {
        "BacklogPerInstance",
        "BacklogSeconds",
        "WantedWorkers",
        "GrowTo",
        "SecondsWithoutProgress",
    }
    assert "it could not be told why" in caplog.text
    assert farm.waiting_for("a") == "no Spot machine", "what was known stays"


def test_a_group_that_has_what_it_wants_is_not_asked(farm: MeasuredFarm) -> None:
    farm.job("a")
    farm.autoscaling.states = ["InService"] * 3
    farm.autoscaling.refuse()
    farm.measure()
    assert farm.autoscaling.asked == []
    assert farm.emitted()["CapacityRefused"] == 0
