"""What the machine that builds the workers' image may do.

AWS's guide ("Set up to use Image Builder") attaches the managed policies EC2InstanceProfileForImageBuilder
and AmazonSSMManagedInstanceCore. The second reads every parameter of the account. Here is what of both a
build makes use of, on what it is for.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_imagebuilder as imagebuilder
from aws_cdk import aws_logs as logs
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from stacks.acknowledgements import acknowledge_wildcard
from stacks.permissions import allow_everywhere


class ImageBuilderRole(iam.Role):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        archives: Sequence[Asset],
        component: imagebuilder.CfnComponent,
        log: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id, assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        self._allow(
            "s3:GetObject",
            [archive.bucket.arn_for_objects(archive.s3_object_key) for archive in archives],
        )
        self._allow("imagebuilder:GetComponent", [component.attr_arn])
        log.grant_write(self)
        programs = f"arn:{Aws.PARTITION}:s3:::ec2imagebuilder*"
        self._allow("s3:GetObject", [programs])
        acknowledge_wildcard(
            self, programs, "AWS's own buckets with Image Builder's programs; their names differ by region."
        )
        self._allow_orders()

    def _allow(self, action: str, resources: list[str]) -> None:
        self.add_to_policy(iam.PolicyStatement(actions=[action], resources=resources))

    def _allow_orders(self) -> None:
        """Image Builder commands the machine through Systems Manager, in its newer way or the older."""
        machines = f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:{Aws.ACCOUNT_ID}:instance/*"
        self._allow("ssm:UpdateInstanceInformation", [machines])
        acknowledge_wildcard(self, machines, "A machine is not known before it starts; it tells of itself.")
        allow_everywhere(
            self,
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
            "ec2messages:AcknowledgeMessage",
            "ec2messages:DeleteMessage",
            "ec2messages:FailMessage",
            "ec2messages:GetEndpoint",
            "ec2messages:GetMessages",
            "ec2messages:SendReply",
        )
