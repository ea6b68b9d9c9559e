"""The AWS emulator alone, for tests that need real connections or real threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from farm.local import clients, emulator
from farm.local.environment import REGION
from farm.local.state import StateFolder
from tests.support.synthesized import synthesized


@contextmanager
def an_emulator(folder: Path) -> Iterator[str]:
    """Its endpoint; it is gone in the end."""
    state = StateFolder(folder)
    state.prepare()
    try:
        yield emulator.start(state)
    finally:
        emulator.end(state)


def make_group(endpoint: str, name: str) -> None:
    """A group of no machine, five at most, that are born protected from scale-in."""
    scaling = clients.scaling(endpoint)
    scaling.create_launch_configuration(
        LaunchConfigurationName="any", ImageId="ami-0123456789abcdef0", InstanceType="m5.large"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName="any",
        MinSize=0,
        MaxSize=5,
        AvailabilityZones=["us-east-1a"],
        NewInstancesProtectedFromScaleIn=True,
    )


@dataclass(frozen=True, slots=True)
class AwsClients:
    """Real clients, led to an endpoint."""

    endpoint: str
    attempts: int = 1
    """Times that a call is tried in all; 1 shows every error to the test."""

    def client(self, service: Any) -> Any:
        return boto3.client(service, **self._how())

    def table_client(self) -> Any:
        """A resource's client: it takes and gives Python values."""
        return boto3.resource("dynamodb", **self._how()).meta.client

    def table_resource(self, name: str) -> Any:
        return boto3.resource("dynamodb", **self._how()).Table(name)

    def _how(self) -> dict[str, Any]:
        return {
            "endpoint_url": self.endpoint,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(
                retries={"total_max_attempts": self.attempts, "mode": "standard"},
                max_pool_connections=300,
                read_timeout=30,
            ),
        }


def make_job_table(dynamodb: Any, name: str = "jobs") -> str:
    """The farm's table, from the synthesized template's properties."""
    properties = synthesized().resource("AWS::DynamoDB::Table", "Storage/JobTable").properties
    taken = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    dynamodb.create_table(TableName=name, **{key: properties[key] for key in taken})
    return name
