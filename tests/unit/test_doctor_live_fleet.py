"""The live examination of Auto Scaling and EC2 where they are not as the farm takes them to be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from contract.job import JobState
from contract.lifecycle import TERMINATION_HOOK
from farm.doctor.live.checks import machines, scaling
from farm.doctor.live.verdict import Ruling, judge
from tests.support.jobs import a_job
from tests.support.live_runs import a_run, assert_seen, giving, group_with


@pytest.mark.parametrize(
    ("periods", "ruling"), [((3, 15), Ruling.OK), ((3, 9), Ruling.NOT_SO), ((3,), Ruling.NOT_SO)]
)
def test_alarms_of_another_shape(periods: tuple[int, ...], ruling: Ruling) -> None:
    policy = {"TargetTrackingConfiguration": {}, "Alarms": [{"AlarmName": str(each)} for each in periods]}
    alarms = [
        {"EvaluationPeriods": each, "Period": 60, "ComparisonOperator": "GreaterThan", "Threshold": 300.0}
        for each in periods
    ]
    run = a_run(
        scaling=group_with(describe_policies=giving(ScalingPolicies=[policy, {}])),
        metrics=SimpleNamespace(describe_alarms=giving(MetricAlarms=alarms)),
    )
    assert_seen(scaling.tracking_alarms(run), ruling, "3 × 60 s")


def test_a_group_without_its_policy() -> None:
    run = a_run(scaling=group_with(describe_policies=giving(ScalingPolicies=[])))
    assert_seen(scaling.tracking_alarms(run), Ruling.NOT_SO, "0 target-tracking policies")


@pytest.mark.parametrize(("seconds", "result"), [(120, "ABANDON"), (3600, "CONTINUE")])
def test_a_hook_that_waits_otherwise(seconds: int, result: str) -> None:
    hook = {"LifecycleHookName": TERMINATION_HOOK, "HeartbeatTimeout": seconds, "DefaultResult": result}
    run = a_run(scaling=group_with(describe_lifecycle_hooks=giving(LifecycleHooks=[hook])))
    assert_seen(scaling.termination_hook(run), Ruling.NOT_SO, str(seconds))


def test_a_fleet_that_does_not_wake_and_one_that_was_awake() -> None:
    job = a_job()
    run = a_run(job=job)
    run.ends_at = 1000
    assert_seen(scaling.wakes(run), Ruling.NOT_SO, "no machine is wanted 180 s")
    run.desired_before = 2
    assert_seen(scaling.wakes(run), Ruling.NOT_TRIED, "2 machines were wanted before")
    assert_seen(scaling.wakes(a_run()), Ruling.NOT_TRIED, "no job")


def machine(**facts: Any) -> dict[str, Any]:
    return {"InstanceId": "i-1", "LifecycleState": "Pending", "ProtectedFromScaleIn": True, **facts}


def test_a_machine_that_is_born_bare() -> None:
    bare = a_run(job=a_job(), scaling=group_with(machine(ProtectedFromScaleIn=False)))
    assert_seen(scaling.born_protected(bare), Ruling.NOT_SO, "not protected: i-1")
    old = a_run(job=a_job(), scaling=group_with(machine()))
    old.machines_before = frozenset({"i-1"})
    assert_seen(scaling.born_protected(old), Ruling.NOT_TRIED, "no new machine")


def ec2_with(**facts: Any) -> Any:
    found = {"InstanceId": "i-1", **facts}
    return SimpleNamespace(describe_instances=giving(Reservations=[{"Instances": [found]}]))


@pytest.mark.parametrize(
    ("options", "ruling"),
    [
        ({"HttpTokens": "required", "HttpPutResponseHopLimit": 1}, Ruling.OK),
        ({"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}, Ruling.NOT_SO),
        ({"HttpTokens": "required", "HttpPutResponseHopLimit": 2}, Ruling.NOT_SO),
        ({}, Ruling.NOT_SO),
    ],
)
def test_metadata_that_anybody_reads(options: Mapping[str, Any], ruling: Ruling) -> None:
    run = a_run(scaling=group_with(machine()), ec2=ec2_with(MetadataOptions=options))
    assert_seen(machines.metadata_by_token(run), ruling, "i-1")


@pytest.mark.parametrize(("started", "ruling"), [(100, Ruling.OK), (500, Ruling.NOT_SO)])
def test_a_machine_that_takes_long_to_start(started: int, ruling: Ruling) -> None:
    launched = datetime.now(UTC) - timedelta(seconds=started)
    run = a_run(scaling=group_with(machine()), ec2=ec2_with(LaunchTime=launched))
    records: Any = run.farm.records
    records.workers = lambda _: [SimpleNamespace(worker_id="i-1")]
    run.__dict__["backlog"] = SimpleNamespace(worker_start_seconds=240.0)
    assert_seen(machines.start_time(run), ruling, f"worked {started} s after")


@pytest.mark.parametrize(
    ("parameters", "now", "ruling"),
    [
        ({"ParameterValue": "/aws/service/ami-x", "ResolvedValue": "ami-1"}, "ami-2", Ruling.OK),
        ({"ParameterValue": "/aws/service/ami-x"}, "ami-2", Ruling.NOT_SO),
        ({"ParameterValue": "/aws/service/ami-x", "ResolvedValue": "ami-1"}, "", Ruling.NOT_SO),
        ({"ParameterValue": "ami-1"}, "ami-2", Ruling.NOT_TRIED),
    ],
)
def test_the_image_by_its_parameter(parameters: Mapping[str, str], now: str, ruling: Ruling) -> None:
    stack = {
        "StackName": "test-Compute",
        "Outputs": [{"OutputKey": "WorkerGroupName", "OutputValue": "WorkerGroupName"}],
        "Parameters": [parameters],
    }
    pages = SimpleNamespace(paginate=lambda: [{"Stacks": [stack]}])
    run = a_run(
        cloudformation=SimpleNamespace(get_paginator=lambda _: pages),
        ssm=SimpleNamespace(get_parameter=giving(Parameter={"Value": now})),
    )
    assert machines.image_parameter(run).ruling is ruling


def test_a_fleet_that_does_not_go_home() -> None:
    done = a_job(state=JobState.DONE)
    verdict = judge("x", lambda: scaling.ends_itself(a_run(job=done, scaling=group_with(desired=1))))
    assert verdict.ruling is Ruling.NOT_TRIED
    busy = a_run(job=done, others=(a_job(job_id="theirs"),))
    assert_seen(scaling.ends_itself(busy), Ruling.NOT_TRIED, "theirs")
    assert scaling.ends_itself(a_run(job=done)).ruling is Ruling.OK
