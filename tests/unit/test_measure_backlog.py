from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract.scaling import measure_backlog
from contract.settings import BacklogSettings
from functions.measure_backlog import handler
from functions.measure_backlog.observation import GroupMissingError, observe
from tests.support.aws_edges import AwsEdges, aws_edges

GROUP = "workers"


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


@pytest.fixture(autouse=True)
def _deployed(aws: AwsEdges, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings = BacklogSettings(
        bake_queue_url=aws.bake_queue_url,
        render_queue_url=aws.render_queue_url,
        urgent_queue_url=aws.urgent_queue_url,
        worker_asg_name=GROUP,
        cloudwatch_namespace="Studio",
        frame_queue_bpi=2,
        project_init_queue_bpi=1,
        worker_node_max_count=5,
    )
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)
    yield
    handler._settings.cache_clear()
    handler._client.cache_clear()


def make_group(aws: AwsEdges, desired: int) -> None:
    aws.autoscaling.create_launch_configuration(
        LaunchConfigurationName="any", ImageId="ami-12345678", InstanceType="m5.large"
    )
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchConfigurationName="any",
        MinSize=0,
        MaxSize=5,
        DesiredCapacity=desired,
        AvailabilityZones=["eu-central-1a"],
    )


def send(aws: AwsEdges, queue_url: str, count: int) -> None:
    for number in range(count):
        aws.sqs.send_message(QueueUrl=queue_url, MessageBody=str(number))


def test_an_empty_farm_wants_nobody_and_says_so(aws: AwsEdges) -> None:
    make_group(aws, 0)
    assert handler.handle({}, None) == {
        "tasks": 0,
        "wanted_workers": 0,
        "backlog_per_instance": 0.0,
        "needs_wake": False,
    }
    names = {metric["MetricName"] for metric in aws.cloudwatch.list_metrics(Namespace="Studio")["Metrics"]}
    assert names == {"BacklogPerInstance", "WantedWorkers", "WorkWithoutWorkers"}


def test_work_in_all_queues_counts_held_tasks_too(aws: AwsEdges) -> None:
    """The original counted visible messages only: with every worker busy the fleet was sent home."""
    make_group(aws, 0)
    send(aws, aws.bake_queue_url, 1)
    send(aws, aws.render_queue_url, 3)
    send(aws, aws.urgent_queue_url, 2)
    held = aws.sqs.receive_message(QueueUrl=aws.render_queue_url, MaxNumberOfMessages=2)["Messages"]
    assert held
    answer = handler.handle({}, None)
    assert answer["tasks"] == 6
    assert answer["wanted_workers"] == 4  # a bake, and five frames at two for each worker
    assert answer["needs_wake"] is True


class BootingGroup:
    """An Auto Scaling client: two machines are asked for, and none is there yet."""

    def describe_auto_scaling_groups(self, **_: Any) -> dict[str, Any]:
        return {"AutoScalingGroups": [{"DesiredCapacity": 2, "Instances": []}]}


def test_capacity_asked_for_counts_before_it_is_there(aws: AwsEdges) -> None:
    send(aws, aws.render_queue_url, 4)
    autoscaling: Any = BootingGroup()
    observation = observe(handler._settings(), sqs=aws.sqs, autoscaling=autoscaling)
    assert observation["desired_capacity"] == 2
    backlog = measure_backlog(**observation)
    assert not backlog.needs_wake
    assert backlog.backlog_per_instance == pytest.approx(2, abs=0.01)


def test_on_an_error_nothing_is_emitted(aws: AwsEdges) -> None:
    with pytest.raises(GroupMissingError, match="no Auto Scaling group workers"):
        handler.handle({}, None)
    assert aws.cloudwatch.list_metrics(Namespace="Studio")["Metrics"] == []
