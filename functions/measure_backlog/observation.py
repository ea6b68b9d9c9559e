"""What the queues and the group say: how much there is to do, and who is there for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.scaling import QueueDepth
from contract.settings import BacklogSettings

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef
    from mypy_boto3_sqs import SQSClient


class GroupMissingError(LookupError):
    """There is no such Auto Scaling group: no capacity can be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The Auto Scaling group as it is."""

    desired_capacity: int
    instances: int = 0
    """That are in service, or about to be."""
    machines: int = 0
    """All that it has, those on their way out as well: they cost the same."""
    in_service: tuple[str, ...] = ()
    """Ids of those that are."""
    instance_types: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()

    @property
    def short_of_instances(self) -> bool:
        return self.instances < self.desired_capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    bake: QueueDepth
    render: QueueDepth
    """Urgent frames are frames."""
    group: Group

    @property
    def tasks(self) -> int:
        return self.bake.tasks + self.render.tasks


def observe(settings: BacklogSettings, *, sqs: SQSClient, autoscaling: AutoScalingClient) -> Observation:
    """Look at the queues and the group. Raises GroupMissingError, and what AWS raises."""
    render = _depth(sqs, settings.render_queue_url)
    urgent = _depth(sqs, settings.urgent_queue_url)
    return Observation(
        bake=_depth(sqs, settings.bake_queue_url),
        render=QueueDepth(
            visible=render.visible + urgent.visible,
            delayed=render.delayed + urgent.delayed,
            in_flight=render.in_flight + urgent.in_flight,
        ),
        group=_group_of(autoscaling, settings.worker_asg_name),
    )


def _depth(sqs: SQSClient, queue_url: str) -> QueueDepth:
    counts = sqs.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ],
    )["Attributes"]
    return QueueDepth(
        visible=int(counts["ApproximateNumberOfMessages"]),
        delayed=int(counts["ApproximateNumberOfMessagesDelayed"]),
        in_flight=int(counts["ApproximateNumberOfMessagesNotVisible"]),
    )


def _group_of(autoscaling: AutoScalingClient, name: str) -> Group:
    """Raises GroupMissingError, and what AWS raises."""
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not groups:
        raise GroupMissingError(f"there is no Auto Scaling group {name}")
    found: AutoScalingGroupTypeDef = groups[0]
    states = {i["InstanceId"]: i["LifecycleState"] for i in found.get("Instances", [])}
    template = found.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    return Group(
        desired_capacity=found["DesiredCapacity"],
        instances=sum(state == "InService" or state.startswith("Pending") for state in states.values()),
        machines=len(states),
        in_service=tuple(machine for machine, state in states.items() if state == "InService"),
        instance_types=tuple(o["InstanceType"] for o in template.get("Overrides", []) if "InstanceType" in o),
        zones=tuple(found.get("AvailabilityZones", [])),
    )
