"""A Lambda function of ours."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.aws_lambda import Architecture, FileSystem, Function, IDestination, Runtime
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from contract.settings import Settings
from stacks.acknowledgements import acknowledge
from stacks.assets import function_code
from stacks.permissions import allow_network_interfaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Inside the VPC: with a file system, and without the internet."""

    vpc: ec2.IVpc
    security_group: ec2.ISecurityGroup
    mount: FileSystem


class FarmFunction(Function):
    """Runs `functions/<name>/handler.py` with its settings. It may write its log, and what it is granted."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        settings: Settings,
        timeout: Duration,
        on_failure: IDestination | None = None,
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
        placement: Placement | None = None,
        function_name: str | None = None,
        memory_megabytes: int = 256,
    ) -> None:
        log_group = LogGroup(
            scope,
            f"{construct_id}Log",
            retention=RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        if placement:
            allow_network_interfaces(role)
        super().__init__(
            scope,
            construct_id,
            function_name=function_name,
            runtime=Runtime.PYTHON_3_13,
            architecture=Architecture.ARM_64,  # a fifth cheaper, and nothing here is compiled
            code=function_code(name),
            handler=f"functions.{name}.handler.handle",
            environment=settings.to_env(),
            memory_size=memory_megabytes,
            timeout=timeout,
            role=role,
            log_group=log_group,
            on_failure=on_failure,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            vpc=placement.vpc if placement else None,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC) if placement else None,
            allow_public_subnet=True if placement else None,  # it needs no way to the internet
            security_groups=[placement.security_group] if placement else None,
            filesystem=placement.mount if placement else None,
        )
        acknowledge(
            self, "L1", "The newest Python that the farm was tried on; Lambda supports it until 2029."
        )
