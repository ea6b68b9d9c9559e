"""AWS clients that reach the laptop farm's emulator and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

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


def _session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


def farm_of(record: FarmRecord) -> Farm:
    session = _session()
    dynamodb = session.resource("dynamodb", endpoint_url=record.endpoint, config=_config)
    return Farm(
        s3=session.client("s3", endpoint_url=record.endpoint, config=_config),
        table=dynamodb.Table(record.outputs["JobTableName"]),
        sqs=queues(record.endpoint),
        bucket=record.outputs["RenderBucketName"],
        bake_queue_url=record.outputs["BakeQueueUrl"],
    )


def queues(endpoint: str) -> SQSClient:
    return _session().client("sqs", endpoint_url=endpoint, config=_config)


def functions(endpoint: str) -> LambdaClient:
    return _session().client("lambda", endpoint_url=endpoint, config=_config)


def scaling(endpoint: str) -> AutoScalingClient:
    return _session().client("autoscaling", endpoint_url=endpoint, config=_config)


def metrics(endpoint: str) -> CloudWatchClient:
    return _session().client("cloudwatch", endpoint_url=endpoint, config=_config)
