"""The farm's table, bucket and queues under moto, made from the synthesized templates' properties.

`with aws_edges() as aws:` gives clients and names: `aws.sqs.send_message(QueueUrl=aws.bake_queue_url, …)`.
`aws_edges_at(endpoint)` makes them in an emulator.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import boto3
from moto import mock_aws

from tests.support.synthesized import REGION, synthesized

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsEdges:
    """Clients, and the names of what is there for them."""

    dynamodb: Any
    """A resource's client: it takes and gives Python values."""
    s3: S3Client
    sqs: SQSClient
    cloudwatch: CloudWatchClient
    autoscaling: AutoScalingClient
    job_table_name: str
    render_bucket_name: str
    """Versioned, as the deployed one."""
    bake_queue_url: str
    render_queue_url: str
    urgent_queue_url: str
    dead_letter_queue_url: str


@contextmanager
def aws_edges() -> Iterator[AwsEdges]:
    """Everything is gone at the end. No call leaves this process."""
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with mock.patch.dict(os.environ, {**kept, **environment}, clear=True), mock_aws():
        yield _make_edges(boto3.Session())


def aws_edges_at(endpoint: str) -> AwsEdges:
    """The same in an emulator, for agents that are processes of their own."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    return _make_edges(session, endpoint)


def _make_edges(session: boto3.Session, endpoint: str | None = None) -> AwsEdges:
    dynamodb = session.resource("dynamodb", endpoint_url=endpoint).meta.client
    s3, sqs = session.client("s3", endpoint_url=endpoint), session.client("sqs", endpoint_url=endpoint)
    dead_letters = _make_queue(sqs, "DeadLetterQueue", {})
    arns = {"arn:Queues/DeadLetterQueue": _queue_arn(sqs, dead_letters)}
    return AwsEdges(
        dynamodb=dynamodb,
        s3=s3,
        sqs=sqs,
        cloudwatch=session.client("cloudwatch", endpoint_url=endpoint),
        autoscaling=session.client("autoscaling", endpoint_url=endpoint),
        job_table_name=_make_table(dynamodb),
        render_bucket_name=_make_bucket(s3),
        bake_queue_url=_make_queue(sqs, "BakeQueue", arns),
        render_queue_url=_make_queue(sqs, "RenderQueue", arns),
        urgent_queue_url=_make_queue(sqs, "UrgentQueue", arns),
        dead_letter_queue_url=dead_letters,
    )


def _make_table(dynamodb: Any) -> str:
    properties = synthesized().resource("AWS::DynamoDB::Table", "Storage/JobTable").properties
    taken = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    dynamodb.create_table(TableName="jobs", **{name: properties[name] for name in taken})
    return "jobs"


def _make_bucket(s3: S3Client) -> str:
    properties = synthesized().resource("AWS::S3::Bucket", "Storage/RenderBucket").properties
    s3.create_bucket(Bucket="renders", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="renders", VersioningConfiguration=properties["VersioningConfiguration"])
    return "renders"


def _make_queue(sqs: SQSClient, name: str, arns: dict[str, str]) -> str:
    properties = synthesized().resource("AWS::SQS::Queue", f"Queues/{name}").properties
    attributes: dict[Any, str] = {
        attribute: str(properties[attribute]) for attribute in ("VisibilityTimeout", "MessageRetentionPeriod")
    }
    redrive = properties.get("RedrivePolicy")
    if redrive:
        target = arns[redrive["deadLetterTargetArn"]]
        attributes["RedrivePolicy"] = json.dumps({**redrive, "deadLetterTargetArn": target})
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def _queue_arn(sqs: SQSClient, url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
