"""Permissions that no construct of the CDK grants, or that its own grants give too much of."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.acknowledgements import acknowledge_objects, acknowledge_wildcard

NO_RESOURCE_TYPES = "AWS scopes it to no resource: the Service Authorization Reference names none for it."


def allow_everywhere(
    identity: iam.IGrantable,
    *actions: str,
    reason: str = NO_RESOURCE_TYPES,
    conditions: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Let an identity do what AWS cannot scope to a resource; `reason` says why that is so."""
    identity.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=list(actions), resources=["*"], conditions=conditions)
    )
    acknowledge_wildcard(_role(identity), "*", reason)


def allow_put_metrics(identity: iam.IGrantable, namespace: str) -> None:
    """Let an identity write metrics of one namespace: CloudWatch has no resource to name."""
    allow_everywhere(
        identity,
        "cloudwatch:PutMetricData",
        reason="Metrics have no ARN: CloudWatch's guide scopes them by their namespace, as done here.",
        conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
    )


def allow_items(identity: iam.IGrantable, table: dynamodb.ITable, *operations: str) -> None:
    """Let an identity do this with a table's items, by names such as `GetItem`; nothing with its indexes."""
    _allow(identity, [f"dynamodb:{operation}" for operation in operations], [table.table_arn])


def allow_lists(identity: iam.IGrantable, table: dynamodb.ITable, *indexes: str) -> None:
    """Let an identity query these indexes of a table."""
    _allow(identity, ["dynamodb:Query"], [f"{table.table_arn}/index/{index}" for index in indexes])


def allow_reading(identity: iam.IGrantable, bucket: s3.IBucket) -> None:
    """Let an identity read each object and each version of it.

    Without ListBucket, S3 says of one that is gone that it is forbidden.
    """
    _allow(identity, ["s3:GetObject", "s3:GetObjectVersion"], [bucket.arn_for_objects("*")])
    _allow(identity, ["s3:ListBucket"], [bucket.bucket_arn])
    acknowledge_objects(_role(identity), bucket, "*", "Uploads lie in folders that people name as they like.")


def _allow(identity: iam.IGrantable, actions: list[str], resources: list[str]) -> None:
    identity.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=actions, resources=resources)
    )


def _role(identity: iam.IGrantable) -> iam.Role:
    role = identity.grant_principal
    assert isinstance(role, iam.Role), f"{identity} has no role of its own"
    return role


GROUP_IS_NAMED = "The group's name is whole; the id before it in its ARN is unknown before a deploy."


def group_arn(stack: Stack, name: str) -> str:
    """An Auto Scaling group's ARN from its name, for one must not refer to the group itself."""
    return stack.format_arn(
        service="autoscaling",
        resource="autoScalingGroup:*",
        resource_name=f"autoScalingGroupName/{name}",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def allow_network_interfaces(identity: iam.IGrantable) -> None:
    """What Lambda asks of a function's role before it connects the function to a VPC.

    As Lambda's guide has it: a deletion that is allowed for single interfaces only is not enough for it.
    """
    anything_here = f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:{Aws.ACCOUNT_ID}:*/*"
    _allow(
        identity,
        [
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ],
        [anything_here],
    )
    acknowledge_wildcard(
        _role(identity), anything_here, "Lambda's guide has all resources: it checks the role so."
    )
    allow_everywhere(identity, "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
