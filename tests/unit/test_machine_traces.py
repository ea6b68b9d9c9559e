"""What machines of a live check have said is taken away, and no more than that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import boto3

from contract.metric_lines import metrics_stream
from contract.worker_record import worker_key
from farm.doctor.live import machine_traces
from farm.doctor.live.live_run import LiveRun
from tests.support.aws_edges import AwsEdges, aws_edges

GROUP = "/farm/workers"


def a_run(aws: AwsEdges, logs: Any, *, desired: int = 0) -> LiveRun:
    """Of a farm that slept, on which i-1 came for the run and i-0 was before."""
    clients = SimpleNamespace(
        client=lambda service: logs, dynamodb=SimpleNamespace(meta=SimpleNamespace(client=aws.dynamodb))
    )
    outputs = {"WorkerLogGroupName": GROUP, "JobTableName": aws.job_table_name}
    run = SimpleNamespace(
        desired_before=0,
        job_id="job",
        others=lambda: False,
        group=lambda: {"DesiredCapacity": desired, "Instances": []},
        workers=lambda: {"i-0", "i-1"},
        workers_before={"i-0"},
        wait_after=lambda seconds, look: look(),
        farm=SimpleNamespace(clients=clients, outputs=outputs),
    )
    return cast(LiveRun, run)


def left(aws: AwsEdges, logs: Any, run: LiveRun) -> tuple[set[str], bool]:
    """The streams that stay, and whether the machine's record does."""
    streams = ("i-0", metrics_stream("i-0"), "i-1", metrics_stream("i-1"), "i-1/boot")
    logs.create_log_group(logGroupName=GROUP)
    for name in streams:
        logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item=worker_key("i-1"))
    machine_traces.take_away(run)
    found = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    record = aws.dynamodb.get_item(TableName=aws.job_table_name, Key=worker_key("i-1"))
    return {each["logStreamName"] for each in found}, "Item" in record


def test_a_machine_that_came_for_the_run_leaves_only_why_it_could_not_be_set_up() -> None:
    with aws_edges() as aws:
        logs = boto3.client("logs", region_name="us-east-1")
        assert left(aws, logs, a_run(aws, logs)) == ({"i-0", "i-0/metrics", "i-1/boot"}, False)


def test_machines_that_go_on_keep_their_words() -> None:
    with aws_edges() as aws:
        logs = boto3.client("logs", region_name="us-east-1")
        streams, record = left(aws, logs, a_run(aws, logs, desired=1))
    assert len(streams) == 5 and record
