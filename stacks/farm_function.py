"""A Lambda function of ours."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk.aws_lambda import Architecture, Function, IDestination, Runtime
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from contract.settings import Settings
from stacks.assets import function_code


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
    ) -> None:
        log_group = LogGroup(
            scope,
            f"{construct_id}Log",
            retention=RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        super().__init__(
            scope,
            construct_id,
            runtime=Runtime.PYTHON_3_13,
            architecture=Architecture.ARM_64,  # a fifth cheaper, and nothing here is compiled
            code=function_code(name),
            handler=f"functions.{name}.handler.handle",
            environment=settings.to_env(),
            memory_size=256,
            timeout=timeout,
            role=role,
            log_group=log_group,
            on_failure=on_failure,
            retry_attempts=retry_attempts,
        )
