"""The Lambda that measures the backlog, under moto: what it reads and what it emits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contract.job import JobState
from contract.worker_record import NO_FRAME, STALE_SECONDS, Doing, WorkerRecord
from functions.measure_backlog import handler
from functions.measure_backlog.observation import GroupMissingError
from tests.support.jobs import a_job, put_state
from tests.support.measured_farm import GROUP, MeasuredFarm, measured_farm
from worker_agent.stores.frame_store import DoneFrame, FrameStore


@pytest.fixture
def farm() -> Iterator[MeasuredFarm]:
    with measured_farm() as farm:
        yield farm


def test_an_idle_farm_wants_nobody_says_so_and_reads_no_table(farm: MeasuredFarm) -> None:
    farm.autoscaling.states = []
    farm.lose_table()
    assert farm.measure() == {
        "tasks": 0,
        "backlog_seconds": 0.0,
        "wanted_workers": 0,
        "backlog_per_instance": 0.0,
        "grow_to": 0,
        "unsettled": False,
        "refused": "",
    }
    assert farm.emitted() == {
        "BacklogPerInstance": 0,
        "BacklogSeconds": 0,
        "WantedWorkers": 0,
        "GrowTo": 0,
        "CapacityRefused": 0,
    }


def test_work_in_all_queues_counts_held_tasks_too(farm: MeasuredFarm) -> None:
    """The original counted visible messages only: with every worker busy the fleet was sent home."""
    farm.send(farm.aws.bake_queue_url, 1)
    farm.send(farm.aws.render_queue_url, 3)
    farm.send(farm.aws.urgent_queue_url, 2)
    held = farm.aws.sqs.receive_message(QueueUrl=farm.aws.render_queue_url, MaxNumberOfMessages=2)["Messages"]
    assert held
    answer = farm.measure()
    assert answer["tasks"] == 6
    assert answer["grow_to"] == answer["wanted_workers"] == farm.emitted()["GrowTo"] > 1


def test_capacity_asked_for_counts_before_it_is_there(farm: MeasuredFarm) -> None:
    farm.send(farm.aws.render_queue_url, 4)
    farm.autoscaling.desired, farm.autoscaling.states = 2, []
    answer = farm.measure()
    assert not answer["grow_to"]
    assert answer["backlog_per_instance"] == pytest.approx(600, abs=1)


def test_the_backlog_is_seconds_of_the_frames_that_are_left(farm: MeasuredFarm) -> None:
    """One job's frames take 20 s, another's 200 s; of a third nobody knows."""
    farm.rendering("quick", frames=120, done=[20.0] * 20)
    farm.rendering("slow", frames=14, done=[150.0, 250.0] * 2)
    farm.rendering("new", frames=5)
    farm.rendering("retried", frames=100, done=[50.0] * 10)
    put_state(farm.aws, "retried", JobState.BAKING)  # what is left of it is on no queue yet
    farm.send(farm.aws.render_queue_url, 10)
    farm.autoscaling.desired = 1
    farm.measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(100 * 20 + 10 * 200, rel=0.25)


def test_what_workers_record_is_what_is_read(farm: MeasuredFarm) -> None:
    """Frames that failed are left no more, and took no time that counts."""
    farm.rendering("a", frames=10)
    worker = FrameStore(farm.aws.dynamodb, farm.aws.job_table_name, "i-1", lambda _: None)
    job = a_job("a", shards=3)
    for frame in range(1, 5):
        assert worker.record_done(
            job, [DoneFrame(frame=frame, files=(), seconds=30, blender_version="5.0.1")]
        )
    for frame in range(5, 10):
        assert worker.record_failed(job, frame, reason="crash")
    farm.send(farm.aws.render_queue_url, 1)
    farm.measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(30, rel=0.25)


def test_frames_that_are_being_rendered_tell_how_long_they_take_before_one_is_done(
    farm: MeasuredFarm,
) -> None:
    farm.rendering("long", frames=4)
    farm.worker("i-1", Doing.RENDER, "long", since=1000)
    farm.worker("i-2", Doing.RENDER, "long", since=3000)
    farm.worker("i-5", Doing.RENDER, "long", since=90_000, frame=NO_FRAME)  # it opens the scene
    farm.worker("i-3", Doing.BAKE, "long", since=90_000)
    farm.worker("i-4", Doing.IDLE, since=90_000)
    farm.worker("gone", Doing.RENDER, "long", since=90_000, seen=STALE_SECONDS + 5)
    farm.send(farm.aws.render_queue_url, 4)
    farm.autoscaling.desired = 2
    farm.measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(4 * 3000, rel=0.1)


def test_frames_that_are_rendered_at_once_share_their_workers_time(farm: MeasuredFarm) -> None:
    farm.rendering("crowd", frames=50, done=[1.0] * 40)
    for number in range(8):
        farm.worker(f"i-{number}", Doing.RENDER, "crowd", recent_seconds=(400.0,), sessions=4)
    farm.rendering("begun", frames=4)
    farm.worker("j-1", Doing.RENDER, "begun", since=2000, sessions=4)
    farm.send(farm.aws.render_queue_url, 14)
    farm.autoscaling.desired = 9
    farm.measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(10 * 100 + 4 * 500, rel=0.1)


def test_what_workers_last_frames_took_counts_when_the_scene_grows_heavier(farm: MeasuredFarm) -> None:
    farm.rendering("smoke", frames=50, done=[1.0] * 40)
    for number in range(8):
        farm.worker(f"i-{number}", Doing.RENDER, "smoke", recent_seconds=(100.0,))
    farm.worker("gone", Doing.IDLE, "smoke", recent_seconds=(5000.0,), seen=STALE_SECONDS + 5)
    farm.worker("elsewhere", Doing.RENDER, "other", recent_seconds=(5000.0,))
    farm.send(farm.aws.render_queue_url, 10)
    farm.autoscaling.desired = 8
    farm.measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(10 * 100, rel=0.1)


def test_more_jobs_and_shards_than_one_call_reads(farm: MeasuredFarm) -> None:
    for number in range(4):
        farm.rendering(f"job-{number}", frames=40, done=[10.0] * 20, shards=32)
    farm.send(farm.aws.render_queue_url, 4)
    farm.autoscaling.desired = 1
    farm.measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(4 * 20 * 10, rel=0.1)


def test_counters_that_dynamodb_left_out_are_asked_for_again_and_at_last_nothing_is_emitted(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.rendering("a", frames=20, done=[10.0] * 10, shards=8)
    farm.send(farm.aws.render_queue_url, 1)
    records = farm.measurement.records
    client, waits = _Sparing(records._dynamodb), list[float]()
    monkeypatch.setattr(records, "_dynamodb", client)
    monkeypatch.setattr(records, "_sleep", waits.append)
    client.gives = 3
    farm.measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(100, rel=0.1)
    assert len(waits) == 2
    before = farm.emitted()
    client.gives = 0
    with pytest.raises(OSError, match="8 counters stayed unread after 5 tries"):
        farm.measure()
    assert farm.emitted() == before


class _Sparing:
    """A DynamoDB client that gives a few items of a batch and leaves the others for the next call."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.gives = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803 - as boto3 has it
        ((table, wanted),) = RequestItems.items()
        now, later = wanted["Keys"][: self.gives], wanted["Keys"][self.gives :]
        left = {"UnprocessedKeys": {table: {"Keys": later}} if later else {}}
        if not now:
            return {"Responses": {}, **left}
        return {**self._client.batch_get_item(RequestItems={table: {"Keys": now}}), **left}


def test_records_that_make_no_sense_are_left_out(
    farm: MeasuredFarm, caplog: pytest.LogCaptureFixture
) -> None:
    farm.rendering("good", frames=20, done=[10.0] * 10)
    farm.job("bad", JobState.RENDERING)
    farm.put({**farm.item("bad"), "shards": "many"})
    newer = WorkerRecord(worker_id="i-8", doing=Doing.IDLE, since=1, seen_at=int(time.time()))
    farm.put({**newer.to_item(), "doing": "NAP"})
    farm.worker("i-9", Doing.RENDER, "good")
    farm.send(farm.aws.render_queue_url, 1)
    farm.measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(100, rel=0.25)
    assert caplog.text.count("left out a record that makes no sense") == 2


def test_on_an_error_nothing_is_emitted(farm: MeasuredFarm) -> None:
    farm.send(farm.aws.render_queue_url, 1)
    known = farm.measurement
    farm.measurement = replace(known, settings=replace(known.settings, worker_asg_name="nobody"))
    with pytest.raises(GroupMissingError, match="no Auto Scaling group nobody"):
        farm.measure()
    farm.measurement = known
    farm.lose_table()
    with pytest.raises(ClientError, match="ResourceNotFound"):
        farm.measure()
    assert farm.emitted() == {}


def test_the_lambda_finds_all_it_needs_in_its_environment(
    farm: MeasuredFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in farm.measurement.settings.to_env().items():
        monkeypatch.setenv(name, value)
    scaling = farm.aws.autoscaling
    scaling.create_launch_configuration(
        LaunchConfigurationName="any", ImageId="ami-12345678", InstanceType="m5.large"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchConfigurationName="any",
        MinSize=0,
        MaxSize=5,
        DesiredCapacity=0,
        AvailabilityZones=["eu-central-1a"],
    )
    farm.rendering("a", frames=20, done=[10.0] * 10)
    farm.send(farm.aws.render_queue_url, 1)
    handler._measurement.cache_clear()
    try:
        assert handler.handle({}, None)["tasks"] == 1
    finally:
        handler._measurement.cache_clear()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(100, rel=0.25)
