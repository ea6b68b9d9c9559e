"""Farms in the emulator's CloudFormation: stacks with the outputs that a deployed farm's have.

To the `farm` command the emulator is AWS: its environment leads it there, as the AWS command line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from farm.local.environment import REGION
from tests.support.emulator import AwsClients


@contextmanager
def a_deployed_farm(endpoint: str, name: str, outputs: Mapping[str, Mapping[str, str]]) -> Iterator[None]:
    """A farm of this name; `outputs` of each of its stacks, by the stack's part such as Storage."""
    cloudformation = AwsClients(endpoint).client("cloudformation")
    for part, values in outputs.items():
        template: dict[str, Any] = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {key: {"Value": value} for key, value in values.items()},
        }
        cloudformation.create_stack(StackName=f"{name}-{part}", TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=f"{name}-{part}", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
        )
    try:
        yield
    finally:
        for part in outputs:
            cloudformation.delete_stack(StackName=f"{name}-{part}")
            cloudformation.get_waiter("stack_delete_complete").wait(
                StackName=f"{name}-{part}", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
            )


def outputs_of(bucket: str, table: str, bake_queue_url: str) -> dict[str, dict[str, str]]:
    return {
        "Storage": {"RenderBucketName": bucket, "JobTableName": table, "NotificationTopicArn": "arn"},
        "Queues": {"BakeQueueUrl": bake_queue_url},
        "Compute": {"WorkerGroupName": "workers"},
        "Monitoring": {"DashboardUrl": "https://dashboard.example/#farm"},
    }


def aws_environment(endpoint: str) -> dict[str, str]:
    """What leads AWS clients there, instead of every AWS_ variable."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "NO_PROXY": "127.0.0.1",
    }
