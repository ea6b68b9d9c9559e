"""The farms of an AWS account: each is known by the outputs of its stacks in the session's region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from farm.aws_clients import AwsClients
from farm.chosen_farm import NEEDED_OUTPUTS, ChosenFarm, WhichFarmError
from farm.local.environment import REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STORAGE: Final = "-Storage"
"""The stack that makes a farm a farm: its name begins with the farm's."""
SIBLINGS: Final = ("-Network", "-Queues", "-Efs", "-Compute", "-Scaling", "-Monitoring")
QUICK: Final = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
)
"""Nobody waits long to hear that there is no network."""
_PATIENT: Final = Config(connect_timeout=10, retries={"mode": "standard", "max_attempts": 5})
"""Who watches a job hears within a minute that the farm does not answer."""
_MACHINE_ROLE: Final = "iam-role"
"""What botocore calls the credentials that an EC2 machine has of itself."""


@dataclass(frozen=True, kw_only=True)
class AwsFarms:
    """What AWS said when it was asked."""

    session: boto3.Session | None = None
    """None where this computer has no credentials."""
    region: str = ""
    """That was asked; empty when none was."""
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of each farm's stacks, by the farm's name."""
    trouble: str = ""
    """Why AWS could not be asked, though there are credentials."""


def find_aws_farms(env: Mapping[str, str], *, machine_role: bool) -> AwsFarms:
    """Ask CloudFormation. Without `machine_role` nobody waits for a metadata service that is not there."""
    try:
        base = botocore.session.Session()
        if not machine_role:
            base.get_component("credential_provider").remove(_MACHINE_ROLE)
        region = env.get("AWS_REGION") or base.get_config_variable("region") or REGION
        session = boto3.Session(botocore_session=base, region_name=region)
        if session.get_credentials() is None:
            return AwsFarms()
    except BotoCoreError as error:
        return AwsFarms(trouble=str(error))
    try:
        outputs = farms_of(described_stacks(session.client("cloudformation", config=QUICK)))
    except (BotoCoreError, ClientError) as error:
        return AwsFarms(session=session, region=region, trouble=str(error))
    return AwsFarms(session=session, region=region, outputs=outputs)


def described_stacks(cloudformation: CloudFormationClient) -> dict[str, dict[str, str]]:
    """The outputs of every stack that stands, by the stack's name."""
    pages: Iterable[Any] = cloudformation.get_paginator("describe_stacks").paginate()
    return {
        stack["StackName"]: {
            output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])
        }
        for page in pages
        for stack in page["Stacks"]
        if not stack["StackStatus"].startswith("DELETE_")
    }


def farms_of(stacks: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The outputs of every farm among the stacks, by the farm's name."""
    names = [
        stack.removesuffix(STORAGE)
        for stack, outputs in stacks.items()
        if stack.endswith(STORAGE) and {"RenderBucketName", "JobTableName"} <= outputs.keys()
    ]
    return {
        name: {
            key: value for part in (STORAGE, *SIBLINGS) for key, value in stacks.get(name + part, {}).items()
        }
        for name in names
    }


def aws_farm(name: str, found: AwsFarms) -> ChosenFarm:
    """One of the farms that were found. Raises WhichFarmError for half a farm."""
    assert found.session
    outputs = found.outputs[name]
    missing = [output for output in NEEDED_OUTPUTS if output not in outputs]
    if missing:
        raise WhichFarmError(
            f"the farm {name} in {found.region} is not whole: its stacks lack the outputs "
            f"{', '.join(missing)}. `cdk deploy --all` completes it"
        )
    clients = AwsClients(session=found.session, config=_PATIENT)
    return ChosenFarm(
        name=name,
        outputs=outputs,
        clients=clients,
        dashboard_url=outputs.get("DashboardUrl", ""),
        explain=partial(explain, clients, outputs),
    )


def explain(clients: AwsClients, outputs: Mapping[str, str]) -> str:
    """What the farm's machines are doing, in one line."""
    name = outputs.get("WorkerGroupName", "")
    groups = clients.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not groups:
        return f"the farm has no group of workers {name!r}: `cdk deploy --all` makes it"
    wanted = groups[0]["DesiredCapacity"]
    ready = sum(machine["LifecycleState"] == "InService" for machine in groups[0]["Instances"])
    return f"{ready} machines run and {wanted} are wanted (a new one takes some minutes to start)"
