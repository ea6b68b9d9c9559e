"""What the listener does besides making jobs: it has the backlog measured."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from contract.settings import ListenerSettings
from functions.accept_upload import handler
from tests.support.aws_edges import AwsEdges, aws_edges


class Functions:
    """A Lambda client that is asked, or refuses."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.error: Exception | None = None

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> None:  # noqa: N803 - as boto3
        if self.error:
            raise self.error
        self.asked.append((FunctionName, InvocationType, json.loads(Payload)))


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


@pytest.fixture
def functions(aws: AwsEdges, monkeypatch: pytest.MonkeyPatch) -> Iterator[Functions]:
    settings = ListenerSettings(
        job_table_name=aws.job_table_name,
        bake_queue_url=aws.bake_queue_url,
        backlog_function_name="measure",
    )
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)
    fake, real = Functions(), boto3.client
    monkeypatch.setattr(boto3, "client", lambda service: fake if service == "lambda" else real(service))
    yield fake
    handler._intake.cache_clear()


def hear(aws: AwsEdges, key: str) -> None:
    answer = aws.s3.put_object(Bucket=aws.render_bucket_name, Key=key, Body=io.BytesIO(b"BLENDER"))
    stored = {"key": key, "size": 7, "versionId": answer["VersionId"]}
    thing = {"bucket": {"name": aws.render_bucket_name}, "object": stored}
    handler.handle({"Records": [{"eventName": "ObjectCreated:Put", "s3": thing}]}, None)


def queued(aws: AwsEdges) -> int:
    answer = aws.sqs.get_queue_attributes(QueueUrl=aws.bake_queue_url, AttributeNames=["All"])
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_a_job_that_was_queued_is_measured_at_once(aws: AwsEdges, functions: Functions) -> None:
    hear(aws, "film/scene.blend")
    assert functions.asked == [("measure", "Event", {"uploaded": True})]
    assert queued(aws) == 1


def test_what_is_no_upload_is_not(aws: AwsEdges, functions: Functions) -> None:
    hear(aws, "film/output/scene.blend")
    assert functions.asked == []


def test_a_farm_that_cannot_be_told_renders_all_the_same(
    aws: AwsEdges, functions: Functions, caplog: pytest.LogCaptureFixture
) -> None:
    functions.error = ClientError(
        {"Error": {"Code": "TooManyRequestsException", "Message": "slow"}}, "Invoke"
    )
    with caplog.at_level(logging.WARNING):
        hear(aws, "film/scene.blend")
    assert queued(aws) == 1
    assert "measure was not told of the upload" in caplog.text
