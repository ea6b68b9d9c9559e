"""AWS clients of one farm, each made when it is first asked for: a command pays for those that it uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBServiceResource
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, kw_only=True)
class AwsClients:
    """Of a session, and of an endpoint where the farm has one of its own."""

    session: boto3.Session
    endpoint: str | None = None
    config: Config | None = None
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def client(self, service: str) -> Any:
        """The one client of a service, by the name that boto3 has for it, such as `service-quotas`."""
        if service not in self._made:
            self._made[service] = self.session.client(
                service,  # type: ignore[call-overload]  # any service: the stubs know those installed
                endpoint_url=self.endpoint,
                config=self.config,
            )
        return self._made[service]

    @cached_property
    def dynamodb(self) -> DynamoDBServiceResource:
        from farm.quick_items import read_items_quickly

        resource = self.session.resource("dynamodb", endpoint_url=self.endpoint, config=self.config)
        read_items_quickly(resource.meta.client)
        return resource

    @property
    def s3(self) -> S3Client:
        client: S3Client = self.client("s3")
        return client

    @property
    def sqs(self) -> SQSClient:
        client: SQSClient = self.client("sqs")
        return client

    @property
    def sns(self) -> SNSClient:
        client: SNSClient = self.client("sns")
        return client

    @property
    def functions(self) -> LambdaClient:
        client: LambdaClient = self.client("lambda")
        return client

    @property
    def scaling(self) -> AutoScalingClient:
        client: AutoScalingClient = self.client("autoscaling")
        return client

    @property
    def metrics(self) -> CloudWatchClient:
        client: CloudWatchClient = self.client("cloudwatch")
        return client

    @property
    def cloudformation(self) -> CloudFormationClient:
        client: CloudFormationClient = self.client("cloudformation")
        return client
