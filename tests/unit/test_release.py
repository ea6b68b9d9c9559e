"""A job that the budget holds: released, canceled, retried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from contract.job import Job, JobState
from contract.job_actions import (
    cancel_job,
    cancel_refusal,
    release_job,
    release_refusal,
    retry_job,
    retry_refusal,
)
from contract.table import job_key
from contract.tasks import BakeTask, decode
from farm.control import RefusedError, release
from farm.jobs import Farm
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job, put_state, unfinished_jobs

NOW = "2026-11-24T12:00:00.000Z"


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as aws:
        yield aws


@pytest.fixture
def held(aws: AwsEdges) -> Job:
    job = a_job("held", state=JobState.HELD, reason="the month's budget is spent")
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**job_key("held"), **job.to_item()})
    return job


def write(aws: AwsEdges, request: Callable[..., dict[str, Any]], job_id: str = "held") -> Job:
    answer = aws.dynamodb.update_item(**request(table=aws.job_table_name, job_id=job_id, now=NOW))
    return Job.from_item(answer["Attributes"])


def test_a_held_job_is_released_once(aws: AwsEdges, held: Job) -> None:
    job = write(aws, release_job)
    assert (job.state, job.reason, job.task_sent_at, job.updated_at) == (JobState.QUEUED, "", NOW, NOW)
    assert job.retries == 0
    assert unfinished_jobs(aws) == ["held"]
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        write(aws, release_job)


def test_no_job_is_made_by_a_release(aws: AwsEdges) -> None:
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        write(aws, release_job, "nobody")


@pytest.mark.parametrize("state", [state for state in JobState if state is not JobState.HELD])
def test_only_what_is_held_is_released(aws: AwsEdges, held: Job, state: JobState) -> None:
    put_state(aws, "held", state)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        write(aws, release_job)
    assert str(state) in release_refusal(a_job(state=state))


def test_what_refuses_a_release_is_said() -> None:
    assert release_refusal(None) == "there is no such job"
    assert release_refusal(a_job(state=JobState.HELD)) == ""


def test_a_held_job_may_be_canceled_and_then_retried(aws: AwsEdges, held: Job) -> None:
    assert cancel_refusal(held) == ""
    canceled = write(aws, cancel_job)
    assert canceled.state is JobState.CANCELED
    assert retry_refusal(canceled) == ""
    assert write(aws, retry_job).state is JobState.QUEUED


def test_what_was_refused_as_it_was_uploaded_is_not_retried(aws: AwsEdges, held: Job) -> None:
    put_state(aws, "held", JobState.FAILED)
    assert "upload it again" in retry_refusal(a_job(state=JobState.FAILED, reason="empty"))
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        write(aws, retry_job)


class TestByAPerson:
    @pytest.fixture
    def farm(self, aws: AwsEdges) -> Farm:
        return Farm(
            s3=aws.s3,
            table=boto3.resource("dynamodb").Table(aws.job_table_name),
            sqs=aws.sqs,
            bucket=aws.render_bucket_name,
            bake_queue_url=aws.bake_queue_url,
        )

    def test_a_bake_task_follows(self, aws: AwsEdges, held: Job, farm: Farm) -> None:
        assert release(farm, "held").state is JobState.QUEUED
        (message,) = aws.sqs.receive_message(QueueUrl=aws.bake_queue_url)["Messages"]
        assert decode(message["Body"]) == BakeTask("held")

    def test_what_is_not_held_is_refused_and_nothing_is_sent(
        self, aws: AwsEdges, held: Job, farm: Farm
    ) -> None:
        put_state(aws, "held", JobState.RENDERING)
        with pytest.raises(
            RefusedError, match="held cannot be released: no budget holds it: it is RENDERING"
        ):
            release(farm, "held")
        assert "Messages" not in aws.sqs.receive_message(QueueUrl=aws.bake_queue_url)
