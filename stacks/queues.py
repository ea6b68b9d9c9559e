"""The queues between the parts, the Lambda that fills them and the one that reads what was given up."""

from __future__ import annotations

from aws_cdk import ArnFormat, CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.aws_lambda_destinations import SqsDestination
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from contract.settings import DeadLetterSettings, ListenerSettings
from stacks.config import FarmConfig
from stacks.farm_function import FarmFunction
from stacks.farm_queues import FarmQueues
from stacks.permissions import allow_items, allow_reading
from stacks.upload_notifications import tell_of_uploads


class QueuesStack(Stack):
    """Depends on storage, whose bucket's notification is made here: made there, the two would be a cycle."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        config: FarmConfig,
        bucket: s3.IBucket,
        table: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        self.queues = FarmQueues.make(self)
        self.accept_upload = self._hear_uploads(config, bucket, table)
        self.settle_dead_letters = self._read_dead_letters(table)
        CfnOutput(self, "BakeQueueUrl", value=self.queues.bake.queue_url)
        CfnOutput(self, "RenderQueueUrl", value=self.queues.render.queue_url)
        CfnOutput(self, "UrgentQueueUrl", value=self.queues.urgent.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=self.queues.dead_letters.queue_url)

    def _hear_uploads(self, config: FarmConfig, bucket: s3.IBucket, table: dynamodb.ITable) -> FarmFunction:
        listener = FarmFunction(
            self,
            "AcceptUpload",
            name="accept_upload",
            settings=ListenerSettings(
                job_table_name=table.table_name,
                bake_queue_url=self.queues.bake.queue_url,
                backlog_function_name=config.backlog_function_name,
                monthly_budget_dollars=config.monthly_budget_dollars,
            ),
            timeout=Duration.seconds(30),
            on_failure=SqsDestination(self.queues.unheard_uploads),
        )
        allow_reading(listener, bucket)
        allow_items(listener, table, "GetItem", "PutItem", "UpdateItem")
        self.queues.bake.grant(listener, "sqs:SendMessage")
        measure = self.format_arn(
            service="lambda",
            resource="function",
            resource_name=config.backlog_function_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        listener.add_to_role_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[measure])
        )
        tell_of_uploads(self, bucket, listener)
        return listener

    def _read_dead_letters(self, table: dynamodb.ITable) -> FarmFunction:
        reader = FarmFunction(
            self,
            "SettleDeadLetters",
            name="settle_dead_letters",
            settings=DeadLetterSettings(
                job_table_name=table.table_name,
                bake_queue_url=self.queues.bake.queue_url,
                render_queue_url=self.queues.render.queue_url,
                urgent_queue_url=self.queues.urgent.queue_url,
            ),
            timeout=Duration.seconds(30),
        )
        allow_items(reader, table, "GetItem", "UpdateItem")
        for queue in self.queues.tasks:
            queue.grant(reader, "sqs:SendMessage")
        reader.add_event_source(
            SqsEventSource(self.queues.dead_letters, batch_size=10, report_batch_item_failures=True)
        )
        return reader
