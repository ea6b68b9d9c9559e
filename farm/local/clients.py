"""AWS clients that reach the laptop farm's emulator and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config

from farm.aws_clients import AwsClients
from farm.jobs import Farm
from farm.local.environment import REGION
from farm.local.state import FarmRecord

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

_config = Config(
    proxies={}, connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 3}
)
_NO_PROFILE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, "/nonexistent", None),
    "credentials_file": (None, None, "/nonexistent", None),
}
"""The person's own profiles, and AWS_PROFILE, are for AWS."""


def clients_of(endpoint: str) -> AwsClients:
    """Clients of the farm whose emulator answers there."""
    session = boto3.Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name=REGION,
        botocore_session=botocore.session.Session(session_vars=_NO_PROFILE),
    )
    return AwsClients(session=session, endpoint=endpoint, config=_config)


def farm_of(record: FarmRecord) -> Farm:
    clients = clients_of(record.endpoint)
    return Farm(
        s3=clients.s3,
        table=clients.dynamodb.Table(record.outputs["JobTableName"]),
        sqs=clients.sqs,
        bucket=record.outputs["RenderBucketName"],
        bake_queue_url=record.outputs["BakeQueueUrl"],
    )


def queues(endpoint: str) -> SQSClient:
    return clients_of(endpoint).sqs


def functions(endpoint: str) -> LambdaClient:
    return clients_of(endpoint).functions


def scaling(endpoint: str) -> AutoScalingClient:
    return clients_of(endpoint).scaling


def metrics(endpoint: str) -> CloudWatchClient:
    return clients_of(endpoint).metrics
