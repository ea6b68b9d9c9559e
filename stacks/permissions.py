"""Permissions that no construct of the CDK grants."""

from __future__ import annotations

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
