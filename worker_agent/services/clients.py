"""The agent's clients of AWS: how long each waits, and how often it tries by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.config import Config

from worker_agent.services.patience import patient

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

LONGEST_POLL_SECONDS: Final = 20
"""As long as SQS holds a question for messages open."""

USER_AGENT: Final = "AutoBlenderRender"
"""Whose requests these are, in CloudTrail and access logs; boto3 adds botocore's version."""


def client_config(*, read_seconds: float, tries: int = 3, connect_seconds: float = 5) -> Config:
    """Time-outs of one try, and how many there are; botocore waits between them, longer each time and
    with jitter, and tries less while most calls fail.

    What a request computes is taken from the frame that renders meanwhile. A name that is given is sent as
    it is, where botocore would make up one for each request; and what the services check is not checked
    before: the tests' clients do that.
    """
    return Config(
        user_agent=USER_AGENT,
        parameter_validation=False,
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": tries},
        tcp_keepalive=True,
    )


QUICK: Final = client_config(connect_seconds=3, read_seconds=5, tries=2)
"""Fails within 20 s: for what is worthless later, as renewing a lease."""

ONE_TRY: Final = client_config(connect_seconds=3, read_seconds=5, tries=1)
"""For callers that try again by themselves, in their own time: they go on hearing signals in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    dynamodb: Any
    """A resource's client: it takes and gives Python values."""
    one_try_dynamodb: Any
    s3: S3Client
    quick_s3: S3Client
    sqs: SQSClient
    quick_sqs: SQSClient
    autoscaling: AutoScalingClient

    @classmethod
    def connect(cls) -> Self:
        """Region, credentials and endpoints are the environment's."""
        # made one after the other: boto3's default session is not for several threads at once
        dynamodb = boto3.resource("dynamodb", config=client_config(read_seconds=10)).meta.client
        return cls(
            dynamodb=patient(dynamodb),
            one_try_dynamodb=boto3.resource("dynamodb", config=ONE_TRY).meta.client,
            s3=patient(boto3.client("s3", config=client_config(read_seconds=30))),
            quick_s3=boto3.client("s3", config=QUICK),
            sqs=patient(boto3.client("sqs", config=client_config(read_seconds=LONGEST_POLL_SECONDS + 10))),
            quick_sqs=boto3.client("sqs", config=QUICK),
            autoscaling=boto3.client("autoscaling", config=ONE_TRY),
        )


def connect_logs() -> CloudWatchLogsClient:
    """Its caller tries again by itself. A session of its own: the log begins before the other clients."""
    return boto3.Session().client("logs", config=ONE_TRY)


def connect_cloudwatch() -> CloudWatchClient:
    """For a worker that tells its metrics by calls; a session of its own, as above."""
    return boto3.Session().client("cloudwatch", config=QUICK)


def connect_ec2() -> Any:
    """Made when it is needed: its model is a large one, and most workers ask once an hour.

    A session of its own, for boto3's default one is not for several threads at once.
    """
    return boto3.Session().client("ec2", config=QUICK)


def connect_s3() -> S3Client:
    """For large files that are fetched once, before there is any other client; a session of its own, too."""
    return boto3.Session().client("s3", config=client_config(read_seconds=60, tries=5))
