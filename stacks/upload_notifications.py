"""S3's word to the listener of each upload, and the CDK's function that sets it up at a deploy."""

from __future__ import annotations

from aws_cdk import CfnResource, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications

from contract.keys import UPLOAD_SUFFIXES

SETUP = "BucketNotificationsHandler050a0587b7544547bf325f094a3db834"
"""Construct id of that function: one a stack, by the CDK's choice."""


def tell_of_uploads(stack: Stack, bucket: s3.IBucket, listener: lambda_.IFunction) -> None:
    """Have the listener called for every object that may be an upload."""
    log = logs.LogGroup(
        stack,
        "NotificationSetupLog",
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
    )
    heard = s3.Bucket.from_bucket_attributes(
        stack,
        "RenderBucket",
        bucket_arn=bucket.bucket_arn,
        notifications_handler_role=_setup_role(stack, bucket, log),
    )
    for suffix in heard_suffixes():
        heard.add_event_notification(
            s3.EventType.OBJECT_CREATED,
            notifications.LambdaDestination(listener),
            s3.NotificationKeyFilter(suffix=suffix),
        )
    setup = stack.node.find_child(SETUP).node.find_child("Resource")
    assert isinstance(setup, CfnResource)
    # without one of ours Lambda makes a log group itself, which keeps its lines for ever
    setup.add_property_override("LoggingConfig.LogGroup", log.log_group_name)


def _setup_role(stack: Stack, bucket: s3.IBucket, log: logs.LogGroup) -> iam.IRole:
    """For this bucket and this log. The CDK would add AWS's policy for any log, so it may add nothing."""
    role = iam.Role(stack, "NotificationSetupRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log.grant_write(role)
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["s3:GetBucketNotification", "s3:PutBucketNotification"], resources=[bucket.bucket_arn]
        )
    )
    return role.without_policy_updates()


def heard_suffixes() -> list[str]:
    """Ends of the keys that S3 tells the listener of.

    S3 compares case, so each suffix is there as programs write it: .blend, .BLEND, .Blend. Without a
    filter every finished frame would wake the listener, and a thousand workers' frames would make
    uploads wait behind them.
    """
    return [spelling for s in UPLOAD_SUFFIXES for spelling in dict.fromkeys((s, s.upper(), s.title()))]
