"""Auto Scaling as agents find it on a laptop farm: through real clients, before a real group."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from contract.idle_workers import may_end
from contract.lifecycle import CONTINUE, TERMINATION_HOOK
from farm.local import clients
from farm.local.agents import AgentPool
from farm.local.environment import MARKER
from farm.local.group import DeployedGroup, StandingGroup
from farm.local.machines import LifecycleState, Machines
from farm.local.metadata import MetadataServer
from farm.local.state import StateFolder
from tests.support.emulator import an_emulator, make_group

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef

GROUP = "workers"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with an_emulator(tmp_path_factory.mktemp("emulator")) as endpoint:
        make_group(endpoint, GROUP)
        yield endpoint


@pytest.fixture
def emulated(endpoint: str) -> AutoScalingClient:
    """The group in the emulator, as a person reaches it by hand."""
    scaling = clients.scaling(endpoint)
    scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, MinSize=0, DesiredCapacity=0)
    return scaling


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def server(emulated: AutoScalingClient, told: list[str]) -> Iterator[MetadataServer]:
    server = MetadataServer(Machines(), DeployedGroup(emulated, GROUP, told.append))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def agent(server: MetadataServer) -> AutoScalingClient:
    return client_of(server)


def client_of(server: MetadataServer) -> AutoScalingClient:
    """An agent's client."""
    return boto3.client(
        "autoscaling",
        endpoint_url=server.autoscaling_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def in_service(server: MetadataServer, emulated: AutoScalingClient, *worker_ids: str) -> None:
    for worker_id in worker_ids:
        server.endpoint_for(worker_id)
    emulated.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=len(worker_ids))


def described(scaling: AutoScalingClient, name: str = GROUP) -> AutoScalingGroupTypeDef:
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return group


def protect(scaling: AutoScalingClient, *worker_ids: str, on: bool, group: str = GROUP) -> None:
    scaling.set_instance_protection(
        AutoScalingGroupName=group, InstanceIds=list(worker_ids), ProtectedFromScaleIn=on
    )


def end(scaling: AutoScalingClient, worker_id: str, *, fewer: bool = True) -> None:
    scaling.terminate_instance_in_auto_scaling_group(
        InstanceId=worker_id, ShouldDecrementDesiredCapacity=fewer
    )


def complete(scaling: AutoScalingClient, worker_id: str) -> None:
    scaling.complete_lifecycle_action(
        LifecycleHookName=TERMINATION_HOOK,
        AutoScalingGroupName=GROUP,
        InstanceId=worker_id,
        LifecycleActionResult=CONTINUE,
    )


def test_the_group_with_its_machines(
    server: MetadataServer, agent: AutoScalingClient, emulated: AutoScalingClient
) -> None:
    in_service(server, emulated, "a", "b", "c")
    protect(agent, "b", on=False)
    server.terminate("c")
    group = described(agent)
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (0, 3, 5)
    assert group["NewInstancesProtectedFromScaleIn"] is True
    seen = [(i["InstanceId"], i["LifecycleState"], i["ProtectedFromScaleIn"]) for i in group["Instances"]]
    assert seen == [
        ("a", "InService", True),
        ("b", "InService", False),
        ("c", "Terminating:Wait", True),
    ]
    assert {i["HealthStatus"] for i in group["Instances"]} == {"Healthy"}
    assert {i["AvailabilityZone"] for i in group["Instances"]} == set(group["AvailabilityZones"])
    assert agent.describe_auto_scaling_groups()["AutoScalingGroups"] == [group]
    named = agent.describe_auto_scaling_groups(AutoScalingGroupNames=["other"])
    assert named["AutoScalingGroups"] == []


def test_an_idle_worker_ends_itself_and_the_group_is_smaller(
    server: MetadataServer, agent: AutoScalingClient, emulated: AutoScalingClient, told: list[str]
) -> None:
    in_service(server, emulated, "a", "b")
    protect(agent, "a", on=False)
    group = described(agent)
    idle = [i["InstanceId"] for i in group["Instances"] if not i["ProtectedFromScaleIn"]]
    assert may_end("a", idle=idle, desired_capacity=group["DesiredCapacity"], tasks=1)
    answer = agent.terminate_instance_in_auto_scaling_group(
        InstanceId="a", ShouldDecrementDesiredCapacity=True
    )
    assert answer["Activity"]["AutoScalingGroupName"] == GROUP
    assert answer["Activity"]["StatusCode"] == "InProgress"
    assert described(emulated)["DesiredCapacity"] == described(agent)["DesiredCapacity"] == 1
    assert server.machines.state("a") is LifecycleState.TERMINATING_WAIT
    complete(agent, "a")
    assert server.machines.may_end("a")
    assert told[-1] == "desired capacity 2 -> 1: a ends itself"


def test_one_that_is_to_be_replaced_leaves_the_group_as_large(
    server: MetadataServer, agent: AutoScalingClient, emulated: AutoScalingClient
) -> None:
    in_service(server, emulated, "a", "b")
    end(agent, "a", fewer=False)
    assert described(emulated)["DesiredCapacity"] == 2
    assert server.machines.state("a") is LifecycleState.TERMINATING_WAIT


@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param(lambda a: end(a, "nobody"), "No managed instance found", id="end one that is none"),
        pytest.param(lambda a: end(a, "going"), "not in InService", id="end one that goes"),
        pytest.param(lambda a: protect(a, "nobody", on=True), "not part of Auto Scaling group", id="protect"),
        pytest.param(lambda a: protect(a, "a", "going", on=False), "not in InService", id="protect going"),
        pytest.param(lambda a: protect(a, "a", on=False, group="other"), "no such group: other", id="group"),
        pytest.param(
            lambda a: protect(a, *map(str, range(51)), on=False), "51 members", id="too many at once"
        ),
        pytest.param(lambda a: complete(a, "a"), "No active Lifecycle Action", id="nobody waits"),
    ],
)
def test_what_aws_refuses_changes_nothing(
    server: MetadataServer,
    agent: AutoScalingClient,
    emulated: AutoScalingClient,
    call: Callable[[AutoScalingClient], None],
    said: str,
) -> None:
    in_service(server, emulated, "a", "going")
    end(agent, "going")
    before = described(agent)
    with pytest.raises(ClientError, match=said) as caught:
        call(agent)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert described(agent) == before


def test_the_minimum_size_holds_but_for_a_replacement(
    server: MetadataServer, agent: AutoScalingClient, emulated: AutoScalingClient
) -> None:
    in_service(server, emulated, "a", "b")
    emulated.update_auto_scaling_group(AutoScalingGroupName=GROUP, MinSize=2)
    with pytest.raises(ClientError, match=r"desiredSize equals minSize \(2\)") as caught:
        end(agent, "a")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert server.machines.state("a") is LifecycleState.IN_SERVICE
    end(agent, "a", fewer=False)
    assert described(agent)["DesiredCapacity"] == 2


def test_another_call_is_not_served(agent: AutoScalingClient) -> None:
    with pytest.raises(ClientError, match="DescribePolicies") as caught:
        agent.describe_policies()
    assert caught.value.response["Error"]["Code"] == "InvalidAction"


def test_an_emulator_that_is_gone_is_an_error_of_the_service() -> None:
    nobody = boto3.client(
        "autoscaling",
        endpoint_url="http://127.0.0.1:1",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    server = MetadataServer(Machines(), DeployedGroup(nobody, GROUP, print))
    server.start()
    server.endpoint_for("a")
    try:
        with pytest.raises(ClientError) as caught:
            end(client_of(server), "a")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert server.machines.state("a") is LifecycleState.IN_SERVICE
    finally:
        server.stop()


def test_without_a_fleet_the_group_is_of_its_machines_and_stays_as_large_as_it_is() -> None:
    server = MetadataServer()
    server.start()
    agent = client_of(server)
    for worker_id in "ab":
        server.endpoint_for(worker_id)
    try:
        protect(agent, "a", on=False)
        group = described(agent, "by-any-name")
        assert (group["AutoScalingGroupName"], group["DesiredCapacity"]) == ("by-any-name", 2)
        assert [i["ProtectedFromScaleIn"] for i in group["Instances"]] == [False, True]
        with pytest.raises(ClientError, match="desiredSize equals minSize"):
            end(agent, "a")
    finally:
        server.stop()


def test_without_a_fleet_a_group_may_be_told_to_shrink() -> None:
    machines = Machines()
    server = MetadataServer(machines, StandingGroup(machines, may_shrink=True))
    server.start()
    agent = client_of(server)
    for worker_id in "ab":
        server.endpoint_for(worker_id)
    try:
        end(agent, "a")
        assert described(agent)["DesiredCapacity"] == 1
    finally:
        server.stop()


def test_a_lowered_desired_capacity_ends_nobody_until_it_is_idle(
    server: MetadataServer, agent: AutoScalingClient, emulated: AutoScalingClient, tmp_path: Path
) -> None:
    """By hand on the emulator, with agents that are all busy: real processes that do as agents do."""
    state = StateFolder(tmp_path)
    state.prepare()
    pool = AgentPool(
        state=state,
        command=[sys.executable, "-c", "import time; time.sleep(60)"],
        environment=lambda _, folder: {MARKER: str(folder.parent.parent)},
        metadata=server,
        tell=lambda _: None,
        max_agents=2,
    )

    def look() -> list[str]:
        pool.step(described(emulated)["DesiredCapacity"], time.monotonic())
        return [one.worker_id for one in pool.at_work]

    try:
        emulated.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=2)
        look()
        busy, other = look()
        protect(agent, busy, other, on=True)
        emulated.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=1)
        for _ in range(5):
            assert look() == [busy, other]
        protect(agent, other, on=False)
        assert look() == [busy]
        assert described(agent)["DesiredCapacity"] == 1
        complete(agent, other)
        look()
        leaver = next(one for one in pool.agents if one.worker_id == other)
        assert leaver.process.wait(10) == -signal.SIGTERM
        assert look() == [busy]
    finally:
        pool.stop_all(time.monotonic, time.sleep)
