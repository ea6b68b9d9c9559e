"""What a worker may do, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from contract.keys import OUTPUT_FOLDER, SMALL_PICTURES_PREFIX
from stacks.acknowledgements import acknowledge_objects, acknowledge_wildcard
from stacks.farm_queues import FarmQueues
from stacks.permissions import allow_everywhere, allow_items, allow_reading
from stacks.scratch import Scratch


class WorkerRole(iam.Role):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        self._allow_sessions()
        allow_everywhere(self, "autoscaling:DescribeAutoScalingGroups")  # how many of its group are idle
        allow_everywhere(self, "ec2:DescribeSpotPriceHistory")  # what it costs itself

    def grant_work(
        self,
        *,
        bucket: s3.IBucket,
        table: dynamodb.ITable,
        queues: FarmQueues,
        scratch: Scratch,
    ) -> None:
        """Read uploads, write output, keep records, hold tasks, send tasks, use the scratch space."""
        allow_reading(self, bucket)
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject", "s3:AbortMultipartUpload"],
                resources=[bucket.arn_for_objects(f"*/{OUTPUT_FOLDER}/*")],
            )
        )
        acknowledge_objects(
            self,
            bucket,
            f"*/{OUTPUT_FOLDER}/*",
            "Each project has its output folder, and a worker renders for any.",
        )
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject"], resources=[bucket.arn_for_objects(f"{SMALL_PICTURES_PREFIX}*")]
            )
        )
        acknowledge_objects(
            self,
            bucket,
            f"{SMALL_PICTURES_PREFIX}*",
            "Each job's small pictures lie there; nothing else is written.",
        )
        allow_items(
            self, table, "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "ConditionCheckItem"
        )
        for queue in queues.tasks:
            queue.grant(
                self,
                "sqs:ReceiveMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:SendMessage",
                "sqs:GetQueueAttributes",
            )
        queues.dead_letters.grant(self, "sqs:SendMessage")
        scratch.grant_read_write(self)

    def grant_boot(self, *, archives: Sequence[Asset], log: logs.ILogGroup) -> None:
        """Fetch what the machine is made of; write the log that says how it goes, metrics included."""
        self.add_to_policy(  # these alone: the bucket holds what every CDK app here has published
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[archive.bucket.arn_for_objects(archive.s3_object_key) for archive in archives],
            )
        )
        log.grant_write(self)  # its metrics are lines there: it needs no leave to write others

    def _allow_sessions(self) -> None:
        """What Session Manager needs: people reach a worker through it, and no port is open for them."""
        machines = f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:{Aws.ACCOUNT_ID}:instance/*"
        self.add_to_policy(
            iam.PolicyStatement(actions=["ssm:UpdateInstanceInformation"], resources=[machines])
        )
        acknowledge_wildcard(self, machines, "A machine is not known before it starts; it tells of itself.")
        allow_everywhere(
            self,
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        )
