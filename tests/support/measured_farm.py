"""A farm whose backlog is measured under moto: jobs, workers and queues as a test wants them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from contract.boot import boot_key, fleet_version_key
from contract.fleet_version import FleetVersion
from contract.job import JobState, timestamp
from contract.scaling import TELLING_FRAMES
from contract.settings import BacklogSettings
from contract.table import counter_key, job_key, shard_of, shard_totals
from contract.worker_record import Doing, WorkerRecord
from functions.measure_backlog import handler
from functions.measure_backlog.measurement import Measurement
from functions.measure_backlog.records import BacklogRecords
from functions.measure_backlog.turn import Turn
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job

GROUP = "workers"
NO_SPOT = (
    "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request"
    " configuration. Please adjust your request and try again. Launching EC2 instance failed."
)


def settings_of(aws: AwsEdges) -> BacklogSettings:
    return BacklogSettings(
        job_table_name=aws.job_table_name,
        bake_queue_url=aws.bake_queue_url,
        render_queue_url=aws.render_queue_url,
        urgent_queue_url=aws.urgent_queue_url,
        worker_asg_name=GROUP,
        cloudwatch_namespace="Studio",
        acceptable_latency_seconds=600,
        worker_start_seconds=1,
        frame_queue_bpi=2,
        project_init_queue_bpi=1,
        worker_node_max_count=50,
        worker_version="worker-1",
        deploy_version="deploy-1",
        worker_hour_dollars=None,
    )


class Autoscaling:
    """An Auto Scaling client that knows one group, and misbehaves when told."""

    def __init__(self) -> None:
        self.desired, self.states = 0, ["InService"]
        self.activities: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.ended: list[tuple[str, bool]] = []
        """Machines, and whether the group is to be smaller by them."""
        self.sets: list[int] = []
        """What its desired capacity was set to by hand."""

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> Any:  # noqa: N803 - as boto3
        (name,) = AutoScalingGroupNames
        overrides = [{"InstanceType": "m6i.2xlarge"}, {"InstanceType": "m5.2xlarge"}]
        group = {
            "DesiredCapacity": self.desired,
            "Instances": [
                {"InstanceId": f"i-{number}", "LifecycleState": state}
                for number, state in enumerate(self.states)
            ],
            "AvailabilityZones": ["eu-central-1a"],
            "MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": overrides}},
        }
        return {"AutoScalingGroups": [group] if name == GROUP else []}

    def describe_scaling_activities(self, AutoScalingGroupName: str, MaxRecords: int) -> Any:  # noqa: N803
        self.asked.append(AutoScalingGroupName)
        if self.error:
            raise self.error
        return {"Activities": self.activities[:MaxRecords]}

    def terminate_instance_in_auto_scaling_group(
        self,
        InstanceId: str,  # noqa: N803
        ShouldDecrementDesiredCapacity: bool,  # noqa: N803
    ) -> None:
        self.ended.append((InstanceId, ShouldDecrementDesiredCapacity))

    def set_desired_capacity(
        self,
        AutoScalingGroupName: str,  # noqa: N803
        DesiredCapacity: int,  # noqa: N803
        HonorCooldown: bool,  # noqa: N803
    ) -> None:
        assert (AutoScalingGroupName, HonorCooldown) == (GROUP, False)
        if self.error:
            raise self.error
        self.desired = DesiredCapacity
        self.sets.append(DesiredCapacity)

    def refuse(self, message: str = NO_SPOT, *, ago_seconds: int = 10) -> None:
        at = datetime.now(UTC) - timedelta(seconds=ago_seconds)
        self.activities.insert(
            0,
            {
                "Description": "Launching a new EC2 instance.  Status Reason: " + message,
                "StatusCode": "Failed",
                "StatusMessage": message,
                "StartTime": at,
            },
        )


class Machines:
    """An EC2 client that knows when each machine was launched; just now, unless it is told."""

    def __init__(self) -> None:
        self.launched_at: dict[str, float] = {}
        self.asked: list[list[str]] = []

    def describe_instances(self, Filters: list[dict[str, Any]]) -> Any:  # noqa: N803 - as boto3
        (ids,) = (one["Values"] for one in Filters if one["Name"] == "instance-id")
        self.asked.append(ids)
        instances = [
            {
                "InstanceId": name,
                "LaunchTime": datetime.fromtimestamp(self.launched_at.get(name, time.time()), UTC),
            }
            for name in ids
        ]
        return {"Reservations": [{"Instances": [instance]} for instance in instances]}


class MeasuredFarm:
    """Queues, table and metrics, and an Auto Scaling client of the test's own."""

    def __init__(self, aws: AwsEdges) -> None:
        self.aws = aws
        self.autoscaling = Autoscaling()
        self.ec2 = Machines()
        client: Any = self.autoscaling
        settings = settings_of(aws)
        self.measurement = Measurement(
            settings=settings,
            sqs=aws.sqs,
            autoscaling=client,
            cloudwatch=aws.cloudwatch,
            ec2=lambda: self.ec2,
            records=BacklogRecords(aws.dynamodb, settings.job_table_name),
            turn=Turn(dynamodb=aws.dynamodb, table_name=settings.job_table_name, watcher="run-1"),
        )

    def measure(self, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run the Lambda with this farm's clients."""
        with mock.patch.object(handler, "_measurement", lambda: self.measurement):
            return handler.handle(event, None)

    def job(self, job_id: str, state: JobState = JobState.QUEUED, **attributes: Any) -> None:
        now = timestamp(datetime.now(UTC) - timedelta(minutes=10))
        job = a_job(job_id, **{"state": state, "created_at": now, "updated_at": now, **attributes})
        self.put({**job_key(job_id), **job.to_item()})

    def rendering(self, job_id: str, *, frames: int, done: Sequence[float] = (), shards: int = 3) -> None:
        """A job of so many frames, of which some took so many seconds; written as the counters are then."""
        self.job(job_id, JobState.RENDERING, shards=shards, frame_count=frames)
        totals = shard_totals(range(1, frames + 1), shards)
        counted: list[dict[str, Any]] = [
            {"total": total, "done": 0, "seconds": Decimal(0)} for total in totals
        ]
        for number, seconds in enumerate(done, 1):
            counter = counted[shard_of(number, shards)]
            counter["done"] += 1
            counter["seconds"] += Decimal(f"{seconds:.3f}")
        for shard, counter in enumerate(counted):
            self.put({**counter_key(job_id, shard), **counter})

    def has_what_its_work_wants(self) -> None:
        """One worker is at a job of short frames, of which enough are timed."""
        self.rendering("steady", frames=TELLING_FRAMES + 5, done=[10.0] * TELLING_FRAMES)
        self.worker("i-0", Doing.RENDER, "steady")
        self.send(self.aws.render_queue_url, 5)
        self.autoscaling.desired = 1

    def worker(
        self, name: str, doing: Doing, job_id: str = "", *, since: float = 0, seen: float = 0, **said: Any
    ) -> None:
        """Times are seconds ago."""
        now = time.time()
        said = {"frame": 1} | said | {"since": int(now - since), "seen_at": int(now - seen)}
        self.put(WorkerRecord(worker_id=name, doing=doing, job_id=job_id, **said).to_item())

    def fail_boot(self, worker: str, *, deploy: str = "deploy-1", reason: str = "mount refused") -> None:
        """As the AWS CLI of a machine does it that cannot be set up."""
        self.aws.dynamodb.update_item(
            TableName=self.aws.job_table_name,
            Key=boot_key(deploy),
            UpdateExpression="SET #reason = :reason, worker_id = :worker, failed_at = :at ADD failures :one",
            ExpressionAttributeNames={"#reason": "reason"},
            ExpressionAttributeValues={
                ":reason": reason,
                ":worker": worker,
                ":at": "2026-11-30T08:00:00Z",
                ":one": 1,
            },
        )

    def put(self, item: dict[str, Any]) -> None:
        self.aws.dynamodb.put_item(TableName=self.aws.job_table_name, Item=item)

    def item(self, job_id: str) -> dict[str, Any]:
        answer = self.aws.dynamodb.get_item(TableName=self.aws.job_table_name, Key=job_key(job_id))
        item: dict[str, Any] = answer["Item"]
        return item

    def version(self) -> FleetVersion:
        answer = self.aws.dynamodb.get_item(TableName=self.aws.job_table_name, Key=fleet_version_key())
        return FleetVersion.from_item(answer.get("Item"))

    def waiting_for(self, job_id: str) -> str:
        return str(self.item(job_id).get("waiting_for", ""))

    def send(self, queue_url: str, count: int) -> None:
        for number in range(count):
            self.aws.sqs.send_message(QueueUrl=queue_url, MessageBody=str(number))

    def lose_table(self) -> None:
        """From now on the Lambda looks for a table that is not there."""
        records = BacklogRecords(self.aws.dynamodb, "a-table-that-is-not-there")
        self.measurement = replace(self.measurement, records=records)

    def emitted(self) -> dict[str, float]:
        """The newest value of each metric."""
        now = datetime.now(UTC)
        found = {}
        for metric in self.aws.cloudwatch.list_metrics(Namespace="Studio")["Metrics"]:
            assert metric["Dimensions"] == [{"Name": "Fleet", "Value": GROUP}]
            points = self.aws.cloudwatch.get_metric_statistics(
                Namespace="Studio",
                MetricName=metric["MetricName"],
                Dimensions=metric["Dimensions"],
                StartTime=now - timedelta(minutes=5),
                EndTime=now + timedelta(minutes=1),
                Period=600,
                Statistics=["Maximum"],
            )["Datapoints"]
            found[metric["MetricName"]] = points[-1]["Maximum"]
        return found


@contextmanager
def measured_farm() -> Iterator[MeasuredFarm]:
    """Everything is gone at the end."""
    with aws_edges() as aws:
        yield MeasuredFarm(aws)
