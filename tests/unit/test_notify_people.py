from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer

from contract.job import FrameState, Job, JobState
from contract.settings import NotifierSettings
from contract.table import frame_key, job_key
from functions.notify_people import handler
from functions.notify_people.change import ChangeError, read_change
from tests.support.aws_edges import aws_edges
from tests.support.jobs import a_job


def images(job: Job, was: JobState | None) -> dict[str, Any]:
    """As the table's stream has them."""
    serialize = TypeSerializer().serialize
    new = {name: serialize(value) for name, value in {**job_key(job.job_id), **job.to_item()}.items()}
    old = {} if was is None else {"OldImage": {**new, "state": {"S": str(was)}}}
    return {"eventName": "MODIFY" if was else "INSERT", "dynamodb": {"NewImage": new, **old}}


@dataclass(frozen=True, slots=True)
class Post:
    """The topic's queue, and the table."""

    aws: Any
    queue_url: str

    def messages(self) -> list[dict[str, Any]]:
        found = self.aws.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]


@pytest.fixture
def post() -> Iterator[Post]:
    with aws_edges() as aws:
        sns = boto3.client("sns")
        topic = sns.create_topic(Name="told")["TopicArn"]
        url = aws.sqs.create_queue(QueueName="told")["QueueUrl"]
        arn = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        settings = NotifierSettings(
            job_table_name=aws.job_table_name,
            notification_topic_arn=topic,
            farm_name="Farm",
            dashboard_url="https://dashboard",
        )
        made = (handler._settings, handler._records, handler._sns)
        with mock.patch.dict("os.environ", settings.to_env()):
            for each in made:
                each.cache_clear()
            yield Post(aws, url)
            for each in made:
                each.cache_clear()


def handle(*records: dict[str, Any]) -> None:
    handler.handle({"Records": list(records)}, None)


def test_a_job_that_ended_is_told_with_what_failed(post: Post) -> None:
    job = a_job(state=JobState.DONE_WITH_FAILURES, frame_count=2, frames_done=1, frames_failed=1, shards=1)
    for frame, state in ((1, FrameState.DONE), (2, FrameState.FAILED)):
        item = {**frame_key("a", 1, frame), "frame": frame, "state": str(state), "reason": "out of memory"}
        post.aws.dynamodb.put_item(TableName=post.aws.job_table_name, Item=item)
    handle(images(job, JobState.FINISHING))
    (message,) = post.messages()
    assert message["Subject"] == "n.blend is done, with failed frames"
    assert "- frame 2: out of memory\n" in message["Message"]
    assert message["MessageAttributes"]["state"]["Value"] == "DONE_WITH_FAILURES"


@pytest.mark.parametrize(
    ("was", "state"),
    [
        *((state, state) for state in JobState),
        (JobState.QUEUED, JobState.CANCELED),
        (JobState.HELD, JobState.QUEUED),
        (None, JobState.QUEUED),
    ],
)
def test_nothing_else_is_told(post: Post, was: JobState | None, state: JobState) -> None:
    handle(images(a_job(state=state), was))
    assert post.messages() == []


def test_an_upload_that_is_refused_is_told(post: Post) -> None:
    handle(images(a_job(state=JobState.FAILED, reason="it is empty"), None))
    (message,) = post.messages()
    assert message["Subject"] == "n.blend failed"


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"dynamodb": {}},
        {"dynamodb": {"NewImage": {"state": {"S": "DONE"}}}},
        {"dynamodb": {"NewImage": {"state": {"X": "DONE"}}}},
        {"dynamodb": {"NewImage": "DONE"}},
        {"dynamodb": None},
    ],
)
def test_a_record_that_makes_no_sense_holds_up_none_after_it(
    post: Post, broken: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ChangeError):
        read_change(broken)
    with caplog.at_level(logging.ERROR):
        handle(broken, images(a_job(state=JobState.DONE), JobState.FINISHING))
    assert len(post.messages()) == 1
    assert "left out a record" in caplog.text


def test_what_could_not_be_sent_comes_again(post: Post) -> None:
    boto3.client("sns").delete_topic(TopicArn=handler._settings().notification_topic_arn)
    with pytest.raises(handler._sns().exceptions.NotFoundException):
        handle(images(a_job(state=JobState.DONE), JobState.FINISHING))
