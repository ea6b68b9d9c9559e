"""The scratch space, and the janitor that clears it."""

from __future__ import annotations

from aws_cdk import CfnOutput, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.config import FarmConfig
from stacks.janitor import Janitor
from stacks.scratch import Scratch


class EfsStack(Stack):
    """Depends on network and storage."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        config: FarmConfig,
        vpc: ec2.IVpc,
        table: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        self.scratch = Scratch(self, "Scratch", vpc=vpc, vpc_cidr=config.vpc_cidr)
        self.janitor = Janitor(self, "Janitor", config=config, vpc=vpc, table=table, scratch=self.scratch)
        CfnOutput(self, "JanitorFunctionName", value=self.janitor.function.function_name)
