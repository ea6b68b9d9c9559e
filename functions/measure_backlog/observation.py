"""What the backlog is measured from, and where the measure goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from contract.frame_time import JobFrames
from contract.metrics import BACKLOG_PER_INSTANCE, FLEET_DIMENSION, GROW_TO, WANTED_WORKERS
from contract.scaling import Backlog, QueueDepth, ScalingLimits
from contract.settings import BacklogSettings

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StandardUnitType
    from mypy_boto3_sqs import SQSClient


class GroupMissingError(LookupError):
    """There is no such Auto Scaling group: no capacity can be known."""


class Observation(TypedDict):
    """The arguments of `contract.scaling.measure_backlog`."""

    bake: QueueDepth
    render: QueueDepth
    jobs: Sequence[JobFrames]
    desired_capacity: int
    limits: ScalingLimits


def observe(settings: BacklogSettings, *, sqs: SQSClient, autoscaling: AutoScalingClient) -> Observation:
    """Look at the queues and the group. Urgent frames are frames."""
    render = _depth(sqs, settings.render_queue_url)
    urgent = _depth(sqs, settings.urgent_queue_url)
    return {
        "bake": _depth(sqs, settings.bake_queue_url),
        "render": QueueDepth(
            visible=render.visible + urgent.visible,
            delayed=render.delayed + urgent.delayed,
            in_flight=render.in_flight + urgent.in_flight,
        ),
        "jobs": (),
        "desired_capacity": _desired_capacity(autoscaling, settings.worker_asg_name),
        "limits": ScalingLimits(
            acceptable_latency_seconds=settings.acceptable_latency_seconds,
            worker_start_seconds=settings.worker_start_seconds,
            frame_queue_bpi=settings.frame_queue_bpi,
            project_init_queue_bpi=settings.project_init_queue_bpi,
            max_workers=settings.worker_node_max_count,
        ),
    }


def emit(backlog: Backlog, settings: BacklogSettings, *, cloudwatch: CloudWatchClient) -> None:
    """Write the measure in one call, so that its metrics belong to one moment."""
    values: dict[str, tuple[float, StandardUnitType]] = {
        BACKLOG_PER_INSTANCE: (backlog.backlog_per_instance, "None"),
        WANTED_WORKERS: (backlog.wanted_workers, "Count"),
        GROW_TO: (backlog.grow_to, "Count"),
    }
    cloudwatch.put_metric_data(
        Namespace=settings.cloudwatch_namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": FLEET_DIMENSION, "Value": settings.worker_asg_name}],
                "Value": value,
                "Unit": unit,
            }
            for name, (value, unit) in values.items()
        ],
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


def _desired_capacity(autoscaling: AutoScalingClient, group: str) -> int:
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    if not groups:
        raise GroupMissingError(f"there is no Auto Scaling group {group}")
    return groups[0]["DesiredCapacity"]
