"""One turn of the laptop's fleet: how often it measures, and what it does when nobody answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.scaling import Backlog
from farm.local import processes
from farm.local.agents import AgentPool
from farm.local.environment import MARKER
from farm.local.fleet import Fleet
from farm.local.group import DeployedGroup
from farm.local.machines import Machines
from farm.local.metadata import MetadataServer
from farm.local.scaler import ScalerError
from farm.local.state import StateFolder
from tests.support.aws_edges import AwsEdges, aws_edges

GROUP = "workers"
BACKLOG = Backlog(
    tasks=7, backlog_seconds=0, wanted_workers=4, backlog_per_instance=0, grow_to=0, unsettled=False
)


class UnrulyScaler:
    """Measures nothing, and fails when it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None

    def step(self) -> Backlog:
        self.calls += 1
        if self.error:
            raise self.error
        return BACKLOG


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        edges.autoscaling.create_launch_configuration(
            LaunchConfigurationName="any", ImageId="ami-12345678", InstanceType="m5.large"
        )
        edges.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            LaunchConfigurationName="any",
            MinSize=0,
            MaxSize=5,
            DesiredCapacity=1,
            AvailabilityZones=["eu-central-1a"],
        )
        yield edges


@pytest.fixture
def fleet(aws: AwsEdges, tmp_path: Path) -> Iterator[Fleet]:
    state = StateFolder(tmp_path)
    state.prepare()
    group = DeployedGroup(aws.autoscaling, GROUP, print)
    metadata = MetadataServer(Machines(), group)
    pool = AgentPool(
        state=state,
        command=[sys.executable, "-c", "import time; time.sleep(60)"],
        environment=lambda *_: {MARKER: str(state.root)},
        metadata=metadata,
        tell=print,
        max_agents=2,
        heartbeat_seconds=0,
    )
    scaler: Any = UnrulyScaler()
    yield Fleet(scaler, group, pool, minute_seconds=2)
    pool.stop_all(time.monotonic, time.sleep)
    metadata.stop()
    processes.kill_strays(state)


def calls(fleet: Fleet) -> int:
    scaler: Any = fleet.scaler
    return int(scaler.calls)


def fail(fleet: Fleet, error: Exception | None) -> None:
    scaler: Any = fleet.scaler
    scaler.error = error


def test_it_measures_once_in_a_minute_and_looks_at_the_group_each_time(
    fleet: Fleet, set_desired: Callable[[int], None]
) -> None:
    fleet.turn(10)
    assert (calls(fleet), len(fleet.pool.at_work)) == (1, 1)
    set_desired(2)
    fleet.turn(11.9)
    assert (calls(fleet), len(fleet.pool.at_work)) == (1, 2)
    fleet.turn(12)
    assert calls(fleet) == 2
    report = fleet.report
    assert (report.desired, report.wanted, report.tasks, report.max_agents) == (2, 4, 7, 2)
    assert list(report.agents.values()) == ["protected", "protected"]


def test_a_measure_that_fails_is_a_problem_until_the_next_and_ends_nobody(fleet: Fleet) -> None:
    fleet.turn(0)
    fail(fleet, ScalerError("the backlog function failed"))
    fleet.turn(2)
    fleet.turn(3)
    assert "the backlog function failed" in fleet.report.problem
    assert len(fleet.pool.at_work) == 1
    fail(fleet, None)
    fleet.turn(4)
    assert fleet.report.problem == ""


def test_a_group_that_does_not_answer_leaves_the_agents_as_they_are(fleet: Fleet, aws: AwsEdges) -> None:
    fleet.turn(0)
    fleet.pool.metadata.machines.protect([fleet.pool.agents[0].worker_id], False)
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    fleet.turn(1)
    assert "there is no Auto Scaling group workers" in fleet.report.problem
    assert (fleet.report.desired, len(fleet.pool.at_work)) == (1, 1)
    assert list(fleet.report.agents.values()) == ["idle"]


@pytest.fixture
def set_desired(aws: AwsEdges) -> Callable[[int], None]:
    def set_it(desired: int) -> None:
        aws.autoscaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=desired)

    return set_it
