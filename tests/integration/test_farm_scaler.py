"""The scaler reads the deployed policies and sets the group: against the emulator's own API."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from contract.metrics import BACKLOG_PER_INSTANCE, FLEET_DIMENSION, GROW_TO
from contract.scaling import Backlog
from farm.local import clients
from farm.local.group import DeployedGroup, GroupMissingError
from farm.local.policies import PolicyError, read_policies
from farm.local.scaler import Scaler, ScalerError
from farm.local.tracking import HIGH_PERIODS, LOW_PERIODS, Step
from tests.support.emulator import an_emulator, make_group

GROUP = "workers"


class Measured:
    """Stands in for the deployed backlog function: it says what the test sets."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}
        self.error = False

    def set(self, *, wanted: int, desired: int, grow_to: int = 0) -> None:
        self.answer = asdict(
            Backlog(
                tasks=wanted,
                backlog_seconds=0,
                wanted_workers=wanted,
                backlog_per_instance=900 * max(0, wanted - 0.001) / max(desired, grow_to, 1),
                grow_to=grow_to,
                unsettled=bool(grow_to),
            )
        )

    def invoke(self, **_: str) -> dict[str, Any]:
        payload = io.BytesIO(json.dumps(self.answer).encode())
        return {"Payload": payload} | ({"FunctionError": "Unhandled"} if self.error else {})


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with an_emulator(tmp_path_factory.mktemp("emulator")) as endpoint:
        yield endpoint


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def group(endpoint: str, told: list[str]) -> Iterator[DeployedGroup]:
    """A group with the policies that the CDK app makes."""
    scaling = clients.scaling(endpoint)
    make_group(endpoint, GROUP)
    add_tracking(endpoint)
    grow = scaling.put_scaling_policy(
        AutoScalingGroupName=GROUP,
        PolicyName="grow",
        PolicyType="StepScaling",
        AdjustmentType="ExactCapacity",
        StepAdjustments=[
            {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 1, "ScalingAdjustment": 1},
            {"MetricIntervalLowerBound": 1, "ScalingAdjustment": 2},
        ],
    )
    clients.metrics(endpoint).put_metric_alarm(
        AlarmName="grow",
        AlarmActions=[grow["PolicyARN"]],
        Namespace="Farm",
        MetricName=GROW_TO,
        Dimensions=[{"Name": FLEET_DIMENSION, "Value": GROUP}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    yield DeployedGroup(scaling, GROUP, told.append)
    scaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    scaling.delete_launch_configuration(LaunchConfigurationName="any")


def add_tracking(endpoint: str, name: str = "track") -> None:
    clients.scaling(endpoint).put_scaling_policy(
        AutoScalingGroupName=GROUP,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "CustomizedMetricSpecification": {
                "MetricName": BACKLOG_PER_INSTANCE,
                "Namespace": "Farm",
                "Dimensions": [{"Name": FLEET_DIMENSION, "Value": GROUP}],
                "Statistic": "Average",
            },
            "TargetValue": 900,
        },
    )


@pytest.fixture
def measured() -> Measured:
    return Measured()


@pytest.fixture
def scaler(endpoint: str, group: DeployedGroup, measured: Measured) -> Scaler:
    functions: Any = measured
    return Scaler(
        functions=functions,
        scaling=clients.scaling(endpoint),
        cloudwatch=clients.metrics(endpoint),
        backlog_function="backlog",
        group=group,
        max_agents=3,
    )


def test_the_deployed_policies_are_read(endpoint: str, group: DeployedGroup) -> None:
    policies = read_policies(clients.scaling(endpoint), clients.metrics(endpoint), GROUP)
    tracking = policies.tracking
    assert (tracking.target, tracking.high.threshold, tracking.low.threshold) == (900, 900, 810)
    assert (tracking.high.periods, tracking.low.periods) == (HIGH_PERIODS, LOW_PERIODS)
    (stepped,) = policies.steps
    assert (stepped.alarm.metric, stepped.alarm.periods) == (GROW_TO, 1)
    assert stepped.steps == (Step(lower=1, upper=2, capacity=1), Step(lower=2, upper=None, capacity=2))


def test_a_group_with_two_tracking_policies_is_not_followed(endpoint: str, group: DeployedGroup) -> None:
    add_tracking(endpoint, "another")
    with pytest.raises(PolicyError, match="2 target-tracking policies"):
        read_policies(clients.scaling(endpoint), clients.metrics(endpoint), GROUP)


def test_from_nothing_to_what_this_computer_has_and_back(
    scaler: Scaler, group: DeployedGroup, measured: Measured, told: list[str]
) -> None:
    measured.set(wanted=5, desired=0, grow_to=2)
    scaler.step()
    assert group.read().desired == 2
    for _ in range(3):
        measured.set(wanted=5, desired=2)
        scaler.step()
    assert group.read().desired == 3, "no more than this computer has, though the group's maximum is 5"
    for _ in range(15):
        measured.set(wanted=0, desired=3)
        scaler.step()
    assert told == [
        "desired capacity 0 -> 2: the policies, for 5 tasks",
        "desired capacity 2 -> 3: the policies, for 5 tasks",
        "desired capacity 3 -> 0: the policies, for 0 tasks",
    ]


def test_what_a_person_sets_by_hand_is_kept_within_bounds(
    scaler: Scaler, endpoint: str, group: DeployedGroup, measured: Measured, told: list[str]
) -> None:
    clients.scaling(endpoint).set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=4)
    measured.set(wanted=4, desired=4)
    scaler.step()
    assert told == [
        "desired capacity 0 -> 4: set from outside",
        "desired capacity 4 -> 3: the policies, for 4 tasks",
    ]


def test_with_no_measure_nothing_scales(scaler: Scaler, group: DeployedGroup, measured: Measured) -> None:
    measured.set(wanted=5, desired=0, grow_to=2)
    measured.error = True
    with pytest.raises(ScalerError, match="the backlog function failed"):
        scaler.step()
    measured.error, measured.answer = False, {"tasks": 1}
    with pytest.raises(ScalerError, match="expected a backlog"):
        scaler.step()
    assert group.read().desired == 0


def test_a_group_that_is_gone_is_named(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(GroupMissingError, match="no Auto Scaling group nobody"):
        DeployedGroup(clients.scaling(endpoint), "nobody", print).read()
