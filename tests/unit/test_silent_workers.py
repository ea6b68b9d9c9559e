"""Machines of which nothing is heard: which one is ended, when, and whether another takes its place."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from contract.fleet_version import FleetVersion
from contract.job import JobState
from contract.worker_record import STALE_SECONDS, Doing, WorkerRecord
from functions.measure_backlog.silent_workers import SILENT_SECONDS, longest_silent
from tests.support.measured_farm import GROUP, MeasuredFarm, measured_farm

NOW = 1_800_000_000


@pytest.fixture
def farm() -> Iterator[MeasuredFarm]:
    """Three machines, long in service, two of which speak; as many tasks as machines."""
    with measured_farm() as farm:
        farm.measurement = replace(farm.measurement, now=lambda: NOW)
        farm.autoscaling.desired, farm.autoscaling.states = 3, ["InService"] * 3
        farm.ec2.launched_at = dict.fromkeys(("i-0", "i-1", "i-2"), NOW - 3600.0)
        farm.send(farm.aws.render_queue_url, 3)
        for name in ("i-0", "i-2"):
            says(farm, name)
        yield farm


def says(farm: MeasuredFarm, name: str, *, ago_seconds: int = 0) -> None:
    seen_at = NOW - ago_seconds
    farm.put(WorkerRecord(worker_id=name, doing=Doing.IDLE, since=1, seen_at=seen_at).to_item())


def test_it_is_ended_and_the_log_says_why(farm: MeasuredFarm, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        farm.measure()
    assert farm.autoscaling.ended == [("i-1", False)], "there is a task for each: another is wanted"
    assert (
        "ended the machine i-1: it was started more than 20 minutes ago, and no agent on it has said"
        " anything in the last 20; the group starts another in its place"
    ) in caplog.text
    assert farm.ec2.asked == [["i-1"]], "of the others it is known that they work"


@pytest.mark.parametrize(("tasks", "fewer"), [(0, True), (2, True), (3, False), (9, False)])
def test_another_takes_its_place_if_the_tasks_want_one(farm: MeasuredFarm, tasks: int, fewer: bool) -> None:
    farm.aws.sqs.purge_queue(QueueUrl=farm.aws.render_queue_url)
    farm.send(farm.aws.bake_queue_url, tasks)
    farm.measure()
    assert farm.autoscaling.ended == [("i-1", fewer)]


@pytest.mark.parametrize(("age_seconds", "ended"), [(0, ""), (SILENT_SECONDS, ""), (SILENT_SECONDS + 1, "a")])
def test_a_machine_has_its_time_to_come_up(age_seconds: int, ended: str) -> None:
    assert longest_silent({"a": NOW - age_seconds}, NOW) == ended


@pytest.mark.parametrize(("ago_seconds", "ended"), [(STALE_SECONDS * 2, 0), (SILENT_SECONDS, 0), (1201, 1)])
def test_a_record_is_a_word_for_its_time(farm: MeasuredFarm, ago_seconds: int, ended: int) -> None:
    says(farm, "i-1", ago_seconds=ago_seconds)
    farm.measure()
    assert len(farm.autoscaling.ended) == ended


def test_a_record_that_this_version_cannot_read_is_a_word_too(farm: MeasuredFarm) -> None:
    newer = WorkerRecord(worker_id="i-1", doing=Doing.IDLE, since=1, seen_at=NOW).to_item()
    farm.put({**newer, "doing": "NAP"})
    farm.measure()
    assert farm.autoscaling.ended == []


def test_one_goes_a_minute_the_longest_launched_first(farm: MeasuredFarm) -> None:
    """A table that takes no records for a while must not cost the fleet."""
    farm.autoscaling.states = ["InService"] * 5
    farm.ec2.launched_at |= {"i-3": NOW - 7200.0, "i-4": NOW - 60.0}
    farm.measure()
    assert farm.autoscaling.ended == [("i-3", False)]
    farm.autoscaling.states[3] = "Terminating:Wait"
    for _ in range(3):
        farm.measure({"uploaded": True})
    assert len(farm.autoscaling.ended) == 1, "only the minute's own measure ends any"
    farm.measure()
    assert farm.autoscaling.ended[1:] == [("i-1", False)]


@pytest.mark.parametrize("state", ["Pending", "Pending:Wait", "Terminating", "Terminating:Wait", "Standby"])
def test_who_is_not_in_service_is_let_be(farm: MeasuredFarm, state: str) -> None:
    farm.autoscaling.states[1] = state
    farm.measure()
    assert (farm.autoscaling.ended, farm.ec2.asked) == ([], [])


def test_a_group_without_machines_costs_no_call(farm: MeasuredFarm, caplog: pytest.LogCaptureFixture) -> None:
    farm.autoscaling.states = []
    farm.aws.sqs.purge_queue(QueueUrl=farm.aws.render_queue_url)
    farm.lose_table()
    farm.measure()
    assert farm.ec2.asked == []
    assert "could be ended" not in caplog.text, "nor was the table read, which is not there"


def deployed(farm: MeasuredFarm, *, ago_seconds: int, version: str = "deploy-1") -> None:
    said = FleetVersion(
        worker_version="worker-1", deploy_version=version, since=1, deployed_at=NOW - ago_seconds
    )
    farm.put(said.to_item())


def test_one_that_never_spoke_is_a_failed_boot(farm: MeasuredFarm) -> None:
    """As one without network is, which cannot count itself."""
    deployed(farm, ago_seconds=7200)
    farm.measure()
    assert farm.autoscaling.ended == [("i-1", False)]
    boots = farm.measurement.records.failed_boots("deploy-1")
    assert (boots.failures, boots.worker_id) == (1, "i-1")
    assert boots.failed_at == "2027-01-15T08:00:00.000Z"
    assert "silent: nothing was heard of it in the 20 minutes after its start" in boots.words


def test_one_that_spoke_once_has_booted(farm: MeasuredFarm) -> None:
    deployed(farm, ago_seconds=7200)
    says(farm, "i-1", ago_seconds=3500)
    farm.measure()
    assert farm.autoscaling.ended == [("i-1", False)]
    assert farm.measurement.records.failed_boots("deploy-1").failures == 0


@pytest.mark.parametrize("version", ["deploy-1", "deploy-0"])
def test_what_was_deployed_since_may_have_mended_it(farm: MeasuredFarm, version: str) -> None:
    """Machines were told of the new deploy a minute ago, or are told in this one."""
    deployed(farm, ago_seconds=60, version=version)
    farm.measure()
    assert farm.autoscaling.ended == [("i-1", False)]
    assert farm.measurement.records.failed_boots("deploy-1").failures == 0


@pytest.mark.parametrize("fails", ["ec2", "autoscaling", "records"])
def test_what_fails_there_ends_no_measure(
    farm: MeasuredFarm, fails: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("forbidden")

    place, call = {
        "ec2": (farm.ec2, "describe_instances"),
        "autoscaling": (farm.autoscaling, "terminate_instance_in_auto_scaling_group"),
        "records": (farm.measurement.records, "heard_since"),
    }[fails]
    monkeypatch.setattr(place, call, fail)
    farm.job("a", JobState.QUEUED)
    farm.autoscaling.desired = 4
    farm.autoscaling.refuse()
    assert farm.measure()["refused"], "and whoever waits is told why"
    assert farm.emitted()["CapacityRefused"] == 1 and "BacklogPerInstance" in farm.emitted()
    assert farm.autoscaling.ended == []
    assert "no machine of which nothing is heard could be ended" in caplog.text


def test_real_machines_of_a_real_group(farm: MeasuredFarm) -> None:
    """As AWS describes them, by moto."""
    scaling: Any = farm.aws.autoscaling
    ec2 = boto3.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    scaling.create_launch_configuration(LaunchConfigurationName="any", ImageId=image, InstanceType="m5.large")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchConfigurationName="any",
        MinSize=0,
        MaxSize=5,
        DesiredCapacity=2,
        AvailabilityZones=["eu-central-1a"],
        NewInstancesProtectedFromScaleIn=True,
    )

    def machines() -> list[str]:
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        return [machine["InstanceId"] for machine in group["Instances"]]

    speaks, silent = machines()
    soon, later = time.time() + SILENT_SECONDS - 30, time.time() + SILENT_SECONDS + 30
    said = WorkerRecord(worker_id=speaks, doing=Doing.IDLE, since=1, seen_at=int(later))
    farm.put(said.to_item())
    farm.measurement = replace(farm.measurement, autoscaling=scaling, ec2=lambda: ec2, now=lambda: soon)
    farm.measure()
    assert machines() == [speaks, silent]
    farm.measurement = replace(farm.measurement, now=lambda: later)
    farm.measure()
    assert silent not in machines() and speaks in machines()
    assert len(machines()) == 2, "three tasks: the group has started another"
