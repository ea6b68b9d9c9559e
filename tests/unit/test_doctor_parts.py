"""The doctor's checks of what a farm is made of, well and not: bucket, table, queues, alarms, who is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract.boot import boot_key
from contract.fleet_version import FleetVersion
from farm.doctor import parts
from farm.doctor.finding import Level, well
from tests.support.aws_edges import AwsEdges, aws_edges

TOPIC = "arn:aws:sns:eu-central-1:123456789012:told"


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


def test_bucket_and_table(aws: AwsEdges) -> None:
    assert parts.bucket(aws.s3, aws.render_bucket_name).level is Level.WELL
    assert parts.table(aws.dynamodb, aws.job_table_name).level is Level.WELL
    gone = (parts.bucket(aws.s3, "nosuch-bucket"), parts.table(aws.dynamodb, "nosuch"))
    for said in gone:
        assert said.level is Level.BROKEN
        assert "gone" in said.words
        assert said.advice


def outputs(aws: AwsEdges) -> dict[str, str]:
    return {
        "BakeQueueUrl": aws.bake_queue_url,
        "RenderQueueUrl": aws.render_queue_url,
        "UrgentQueueUrl": aws.urgent_queue_url,
        "DeadLetterQueueUrl": aws.dead_letter_queue_url,
    }


def test_queues(aws: AwsEdges) -> None:
    aws.sqs.send_message(QueueUrl=aws.render_queue_url, MessageBody="x")
    said = parts.queues(aws.sqs, outputs(aws))
    assert said == well("tasks waiting or in work: bake 0, render 1, urgent 0, dead letters 0")
    aws.sqs.delete_queue(QueueUrl=aws.urgent_queue_url)
    said = parts.queues(aws.sqs, outputs(aws))
    assert (said.level, said.words) == (Level.BROKEN, "the queue is gone: urgent")
    assert parts.queues(aws.sqs, {}).level is Level.BROKEN


def test_dead_letters(aws: AwsEdges) -> None:
    assert parts.dead_letters(aws.sqs, aws.dead_letter_queue_url).level is Level.WELL
    aws.sqs.send_message(QueueUrl=aws.dead_letter_queue_url, MessageBody="x")
    said = parts.dead_letters(aws.sqs, aws.dead_letter_queue_url)
    assert (said.level, said.words[:7]) == (Level.WARNING, "1 tasks")


def heard(*suffixes: str) -> Any:
    class S3:
        """As S3 answers; moto wants a Lambda to be there."""

        def get_bucket_notification_configuration(self, **_: str) -> dict[str, Any]:
            rules = [[{"Name": "Suffix", "Value": suffix}] for suffix in suffixes]
            told = [{"Filter": {"Key": {"FilterRules": rule}}} for rule in rules]
            return {"LambdaFunctionConfigurations": told} if told else {}

    return S3()


def test_the_buckets_notification() -> None:
    assert parts.notification(heard(".blend", ".tar.gz", ".tgz", ".zip", ".ZIP"), "b").level is Level.WELL
    said = parts.notification(heard(".blend", ".tgz"), "b")
    assert (said.level, ".tar.gz, .zip" in said.words) == (Level.BROKEN, True)
    assert parts.notification(heard(), "b").level is Level.BROKEN


def test_machines_that_cannot_be_set_up(aws: AwsEdges) -> None:
    said = parts.machines(aws.dynamodb, aws.job_table_name)
    assert said.level is Level.WELL
    version = FleetVersion(worker_version="w", deploy_version="d", since=1)
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item=version.to_item())
    for failures, level in ((1, Level.WARNING), (3, Level.BROKEN)):
        boots = {**boot_key("d"), "failures": failures, "reason": "no space", "worker_id": "i-1"}
        aws.dynamodb.put_item(TableName=aws.job_table_name, Item=boots)
        said = parts.machines(aws.dynamodb, aws.job_table_name)
        assert said.level is level
        assert "the last said: no space (machine and log stream i-1)" in said.words
    assert "farm resume" in said.advice


def test_alarms_that_call_people(aws: AwsEdges) -> None:
    for name, actions in (("Scaling", []), ("DeadLetters", [TOPIC])):
        aws.cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"{name}, in words",
            AlarmActions=actions,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            Threshold=1,
            MetricName="m",
            Namespace="n",
            Period=60,
            Statistic="Sum",
        )
    aws.cloudwatch.set_alarm_state(AlarmName="Scaling", StateValue="ALARM", StateReason="work")
    assert parts.alarms(aws.cloudwatch, TOPIC).level is Level.WELL
    aws.cloudwatch.set_alarm_state(AlarmName="DeadLetters", StateValue="ALARM", StateReason="x")
    said = parts.alarms(aws.cloudwatch, TOPIC)
    assert (said.level, said.words) == (Level.WARNING, "DeadLetters: DeadLetters, in words")


def told(*arns: str) -> Any:
    class Sns:
        """As SNS answers; moto confirms at once."""

        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: str) -> Any:
            return [{"Subscriptions": [{"SubscriptionArn": arn}]} for arn in arns]

    return Sns()


@pytest.mark.parametrize(
    ("sns", "level", "words"),
    [
        (told(f"{TOPIC}:1"), Level.WELL, "1 confirmed"),
        (told(), Level.WARNING, "nobody is told"),
        (told(f"{TOPIC}:1", "PendingConfirmation"), Level.WARNING, "1 of 2 subscriptions wait"),
    ],
)
def test_who_is_told(sns: Any, level: Level, words: str) -> None:
    said = parts.subscription(sns, TOPIC)
    assert said.level is level
    assert words in said.words
