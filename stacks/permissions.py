"""Permissions that no construct of the CDK grants."""

from __future__ import annotations

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam


def allow_put_metrics(identity: iam.IGrantable, namespace: str) -> None:
    """Let an identity write metrics of one namespace: CloudWatch has no resource to name."""
    identity.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
        )
    )


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
    identity.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=[
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:AssignPrivateIpAddresses",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=[f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:{Aws.ACCOUNT_ID}:*/*"],
        )
    )
    identity.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            resources=["*"],  # AWS scopes no description
        )
    )
