"""What a worker asks of its group and its queues, against moto's shapes of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support.unruly_group import (
    DROP,
    IN_SERVICE,
    PENDING,
    PROTECT,
    THROTTLED,
    Machine,
    UnrulyGroup,
    refusal,
)
from worker_agent.scale_in import protection as protection_module
from worker_agent.scale_in.group import NotInServiceError, OwnGroup
from worker_agent.scale_in.protection import ChosenToGoError, ScaleInProtection
from worker_agent.tasks.task_queue import TaskQueue


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("autoscaling"), boto3.client("sqs")


def make_group(autoscaling: Any, size: int) -> list[str]:
    """Ids of a group's machines, which are born protected."""
    ec2 = boto3.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    template = {"LaunchTemplateName": "worker", "LaunchTemplateData": {"ImageId": image}}
    ec2.create_launch_template(**template)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="workers",
        LaunchTemplate={"LaunchTemplateName": "worker"},
        MinSize=0,
        MaxSize=9,
        DesiredCapacity=size,
        AvailabilityZones=["us-east-1a"],
        NewInstancesProtectedFromScaleIn=True,
    )
    (group,) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["workers"])[
        "AutoScalingGroups"
    ]
    return [machine["InstanceId"] for machine in group["Instances"]]


def test_a_worker_is_idle_in_its_groups_eyes_once_it_is_not_protected(clients: tuple[Any, Any]) -> None:
    first, second, _ = make_group(clients[0], 3)
    group = OwnGroup(clients[0], name="workers", worker_id=first)
    assert (group.look().desired_capacity, group.look().idle) == (3, frozenset())
    group.set_protection(protected=False)
    OwnGroup(clients[0], name="workers", worker_id=second).set_protection(protected=False)
    assert group.look().idle == {first, second}
    group.set_protection(protected=True)
    assert group.look().idle == {second}


@pytest.mark.parametrize("replaced", [False, True])
def test_a_worker_that_ends_itself_is_replaced_if_it_says_so(
    clients: tuple[Any, Any], replaced: bool
) -> None:
    first, second = make_group(clients[0], 2)
    group = OwnGroup(clients[0], name="workers", worker_id=first)
    group.end_worker(replaced=replaced)
    assert group.look().desired_capacity == 1 + replaced
    machines = clients[0].describe_auto_scaling_instances()["AutoScalingInstances"]
    names = [machine["InstanceId"] for machine in machines]
    assert (first in names, second in names, len(names)) == (False, True, 1 + replaced)


def test_a_group_that_is_gone_wants_nobody(clients: tuple[Any, Any]) -> None:
    view = OwnGroup(clients[0], name="workers", worker_id="i-1").look()
    assert (view.desired_capacity, view.idle) == (0, frozenset())


def test_waiting_delayed_and_held_tasks_count(clients: tuple[Any, Any]) -> None:
    url = clients[1].create_queue(QueueName="render")["QueueUrl"]
    queue = TaskQueue(clients[1], url)
    assert queue.tasks() == 0
    for delay in (0, 0, 0, 60):
        clients[1].send_message(QueueUrl=url, MessageBody="{}", DelaySeconds=delay)
    assert queue.receive(wait_seconds=0, lease_seconds=60)
    assert queue.tasks() == 4


def test_only_a_machine_in_service_counts_as_idle() -> None:
    machines = {"a": Machine(protected=False), "b": Machine(protected=False, state=PENDING)}
    group = OwnGroup(cast(Any, UnrulyGroup(machines)), name="g", worker_id="a")
    assert group.look().idle == {"a"}


@pytest.fixture
def unruly(monkeypatch: pytest.MonkeyPatch) -> UnrulyGroup:
    """Of one machine that may be taken."""
    monkeypatch.setattr(protection_module, "FIRST_BACK_OFF_SECONDS", 0.01)
    return UnrulyGroup({"a": Machine()})


def dropped(unruly: UnrulyGroup) -> ScaleInProtection:
    protection = ScaleInProtection(OwnGroup(cast(Any, unruly), name="g", worker_id="a"))
    protection.drop()
    assert protection.dropped and not unruly.machines["a"].protected
    return protection


def soon(true: Any) -> None:
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert true()


def test_protection_is_asked_for_in_a_thread_until_it_is_there(unruly: UnrulyGroup) -> None:
    protection = dropped(unruly)
    unruly.troubles[PROTECT] = [THROTTLED] * 4
    protection.take()
    protection.take()
    soon(lambda: unruly.machines["a"].protected)
    assert unruly.count(PROTECT) == 5, "and by one thread alone"


def test_a_group_that_answers_again_is_asked_at_once_by_the_next_task() -> None:
    unruly, threads = UnrulyGroup({"a": Machine()}), list[Any]()
    group = OwnGroup(cast(Any, unruly), name="g", worker_id="a")
    protection = ScaleInProtection(group, in_background=threads.append)
    protection.drop()
    unruly.troubles[PROTECT] = [THROTTLED]
    protection.take()
    protection.take()
    assert (unruly.count(PROTECT), len(threads)) == (1, 1), "the thread is at it"
    protection.drop()
    protection.take()
    assert unruly.machines["a"].protected, "though the thread still sleeps"
    assert len(threads) == 1


def test_nobody_protects_a_machine_that_is_idle_again(unruly: UnrulyGroup) -> None:
    protection = dropped(unruly)
    unruly.troubles[PROTECT] = [THROTTLED] * 3
    protection.take()
    protection.drop()
    soon(lambda: not any(thread.name == "scale-in-protection" for thread in threading.enumerate()))
    assert not unruly.machines["a"].protected
    unruly.troubles[PROTECT] = []
    protection.take()
    assert unruly.machines["a"].protected, "at once, by the next task"


@pytest.mark.parametrize("error", [THROTTLED, refusal("AccessDenied", status=403)])
def test_a_worker_that_could_not_be_unprotected_is_as_before(unruly: UnrulyGroup, error: Exception) -> None:
    protection = ScaleInProtection(OwnGroup(cast(Any, unruly), name="g", worker_id="a"))
    unruly.troubles[DROP] = [error]
    with pytest.raises(ClientError):
        protection.drop()
    protection.take()
    assert unruly.count(PROTECT) == 0


def test_what_the_group_refuses_has_changed_nothing(unruly: UnrulyGroup) -> None:
    protection = ScaleInProtection(OwnGroup(cast(Any, unruly), name="g", worker_id="a"))
    unruly.machines["a"].state = PENDING
    with pytest.raises(NotInServiceError):
        protection.drop()
    unruly.calls.clear()
    protection.take()
    assert unruly.calls == []
    unruly.machines["a"].state = IN_SERVICE
    unruly.troubles[DROP] = [THROTTLED]
    with pytest.raises(ClientError):
        protection.drop()
    protection.drop()
    unruly.machines["a"].state = PENDING
    with pytest.raises(ChosenToGoError):
        protection.take()


def test_an_agent_that_starts_on_an_unprotected_machine_protects_it_before_its_task(
    unruly: UnrulyGroup,
) -> None:
    """The one before it had been idle, and died: nobody else would protect the task of this one."""
    group = OwnGroup(cast(Any, unruly), name="g", worker_id="a")
    ScaleInProtection(group).drop()
    after = ScaleInProtection(group)
    after.learn()
    after.take()
    assert unruly.machines["a"].protected


def test_a_group_that_answers_nonsense_keeps_no_agent_from_starting(unruly: UnrulyGroup) -> None:
    unruly.troubles["DescribeAutoScalingGroups"] = [ValueError("invalid XML")]
    protection = ScaleInProtection(OwnGroup(cast(Any, unruly), name="g", worker_id="a"))
    protection.learn()
    protection.take()
    assert unruly.count(PROTECT) == 0
