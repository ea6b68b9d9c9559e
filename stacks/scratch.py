"""The file system that all workers share."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

AGENT_UID = 1100
"""User and group that own everything on the file system, and run the agent on each worker."""


class Scratch(Construct):
    """A file system that opens to nobody but by its access point, over TLS, with an IAM identity."""

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, vpc_cidr: str) -> None:
        super().__init__(scope, construct_id)
        self.file_system = efs.FileSystem(
            self,
            "FileSystem",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_group=self._reachable_from(vpc, vpc_cidr),
            encrypted=True,
            throughput_mode=efs.ThroughputMode.ELASTIC,
            file_system_policy=_no_other_way_in(),
            removal_policy=RemovalPolicy.DESTROY,  # what is worth keeping is in the bucket
        )
        owner = str(AGENT_UID)
        self.access_point = self.file_system.add_access_point(
            "AccessPoint",
            path="/farm",  # made with this owner at the first mount; the root itself stays root's
            create_acl=efs.Acl(owner_uid=owner, owner_gid=owner, permissions="750"),
            posix_user=efs.PosixUser(uid=owner, gid=owner),
        )

    def mount_at(self, path: str) -> lambda_.FileSystem:
        """For a Lambda in the same VPC. The CDK's own way would let its role write past the access point, and
        would add rules to security groups.
        """
        return lambda_.FileSystem(
            arn=self.access_point.access_point_arn,
            local_mount_path=path,
            dependency=[self.file_system.mount_targets_available],
        )

    def grant_read_write(self, identity: iam.IGrantable) -> None:
        """Let an identity mount and write through the access point."""
        identity.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
                resources=[self.file_system.file_system_arn],
                conditions={
                    "StringEquals": {"elasticfilesystem:AccessPointArn": self.access_point.access_point_arn}
                },
            )
        )

    def _reachable_from(self, vpc: ec2.IVpc, vpc_cidr: str) -> ec2.ISecurityGroup:
        """A security group that lets NFS in from the VPC. The network is no secret there: identities are
        what opens the file system. Immutable, so that nobody adds rules from another stack.
        """
        group = ec2.SecurityGroup(
            self, "Nfs", vpc=vpc, description="Scratch file system", allow_all_outbound=False
        )
        group.add_ingress_rule(ec2.Peer.ipv4(vpc_cidr), ec2.Port.NFS, "NFS of the workers")
        return ec2.SecurityGroup.from_security_group_id(
            self, "NfsAsIs", group.security_group_id, mutable=False
        )


def _no_other_way_in() -> iam.PolicyDocument:
    """Only denials: the CDK's own policy would let anyone on the network write as root."""
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=[
                    "elasticfilesystem:ClientMount",
                    "elasticfilesystem:ClientWrite",
                    "elasticfilesystem:ClientRootAccess",
                ],
                conditions=condition,
            )
            for sid, condition in (
                ("NotWithoutTls", {"Bool": {"aws:SecureTransport": "false"}}),
                ("NotPastTheAccessPoint", {"Null": {"elasticfilesystem:AccessPointArn": "true"}}),
            )
        ]
    )
