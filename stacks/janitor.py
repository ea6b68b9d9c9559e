"""The Lambda that clears the scratch space, each hour."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk.aws_events_targets import LambdaFunction
from constructs import Construct

from contract.settings import JanitorSettings
from stacks.config import FarmConfig
from stacks.farm_function import FarmFunction, Placement
from stacks.permissions import allow_items
from stacks.scratch import Scratch

MOUNTED_AT = "/mnt/scratch"


class Janitor(Construct):
    """No concurrency is reserved for it: two at once do no harm, and a new account has none to spare."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: FarmConfig,
        vpc: ec2.IVpc,
        table: dynamodb.ITable,
        scratch: Scratch,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = FarmFunction(
            self,
            "Function",
            name="clear_scratch",
            settings=JanitorSettings(
                job_table_name=table.table_name,
                scratch_directory=MOUNTED_AT,
                scratch_ttl_hours=config.scratch_ttl_hours,
                cloudwatch_namespace=config.cloudwatch_namespace,
                worker_asg_name=config.fleet_name,
            ),
            timeout=Duration.minutes(15),  # the longest that Lambda gives; what is left, the next hour does
            retry_attempts=0,
            placement=Placement(
                vpc=vpc,
                security_group=self._reaching(vpc, config.vpc_cidr),
                mount=scratch.mount_at(MOUNTED_AT),
            ),
        )
        scratch.grant_read_write(self.function)
        allow_items(self.function, table, "BatchGetItem")
        events.Rule(
            self,
            "EachHour",
            schedule=events.Schedule.rate(Duration.hours(1)),
            targets=[LambdaFunction(self.function, retry_attempts=0)],
        )

    def _reaching(self, vpc: ec2.IVpc, vpc_cidr: str) -> ec2.ISecurityGroup:
        """Out to the file system, and to DynamoDB through its gateway endpoint. It has no address of its own,
        so the internet is out of reach whatever the rules say.
        """
        group = ec2.SecurityGroup(
            self, "Reach", vpc=vpc, description="Janitor of the scratch space", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.ipv4(vpc_cidr), ec2.Port.NFS, "Scratch file system")
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.HTTPS, "Gateway endpoints")
        return group
