"""Farms in the emulator's CloudFormation: stacks with the outputs that a deployed farm's have.

To the `farm` command the emulator is AWS: its environment leads it there, as the AWS command line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.jobs import Farm
from farm.local.environment import REGION
from farm.local.settings import ROOT
from tests.support.emulator import AwsClients, an_emulator, make_job_table


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


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A whole farm without machines, and the environment of a person who has it."""

    farm: Farm
    aws: AwsClients
    env: Mapping[str, str]

    def empty(self) -> None:
        """Forget every record."""
        self.farm.table.delete()
        make_job_table(self.aws.table_client(), self.farm.table.name)


@contextmanager
def a_farm_called_film(folder: Path) -> Iterator[Deployed]:
    """Alone in its account."""
    with an_emulator(folder / "emulator") as endpoint:
        aws = AwsClients(endpoint)
        table = make_job_table(aws.table_client())
        farm = Farm(
            s3=aws.client("s3"),
            table=aws.table_resource(table),
            sqs=aws.client("sqs"),
            bucket="renders",
            bake_queue_url=aws.client("sqs").create_queue(QueueName="bake")["QueueUrl"],
        )
        farm.s3.create_bucket(Bucket=farm.bucket)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        nowhere = {"FARM_STATE_DIR": str(folder / "no-laptop-farm"), "PYTHONPATH": str(ROOT)}
        with a_deployed_farm(endpoint, "Film", outputs_of(farm.bucket, table, farm.bake_queue_url)):
            yield Deployed(farm=farm, aws=aws, env=kept | nowhere | aws_environment(endpoint))
