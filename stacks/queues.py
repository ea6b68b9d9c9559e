"""The queues between the parts, the Lambda that fills them and the one that reads what was given up."""

from __future__ import annotations

from aws_cdk import ArnFormat, CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk.aws_lambda_destinations import SqsDestination
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from contract.keys import UPLOAD_SUFFIXES
from contract.settings import DeadLetterSettings, ListenerSettings
from stacks.config import FarmConfig
from stacks.farm_function import FarmFunction
from stacks.farm_queues import FarmQueues


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
        bucket.grant_read(listener)
        table.grant(listener, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
        self.queues.bake.grant_send_messages(listener)
        measure = self.format_arn(
            service="lambda",
            resource="function",
            resource_name=config.backlog_function_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        listener.add_to_role_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[measure])
        )
        heard = s3.Bucket.from_bucket_attributes(self, "RenderBucket", bucket_arn=bucket.bucket_arn)
        for suffix in heard_suffixes():
            heard.add_event_notification(
                s3.EventType.OBJECT_CREATED,
                notifications.LambdaDestination(listener),
                s3.NotificationKeyFilter(suffix=suffix),
            )
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
        table.grant(reader, "dynamodb:GetItem", "dynamodb:UpdateItem")
        for queue in self.queues.tasks:
            queue.grant(reader, "sqs:SendMessage")
        reader.add_event_source(
            SqsEventSource(self.queues.dead_letters, batch_size=10, report_batch_item_failures=True)
        )
        return reader


def heard_suffixes() -> list[str]:
    """Ends of the keys that S3 tells the listener of.

    S3 compares case, so each suffix is there as programs write it: .blend, .BLEND, .Blend. Without a
    filter every finished frame would wake the listener, and a thousand workers' frames would make
    uploads wait behind them.
    """
    return [spelling for s in UPLOAD_SUFFIXES for spelling in dict.fromkeys((s, s.upper(), s.title()))]
