"""The queues between the parts, the Lambda that fills them and the one that reads what was given up."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_lambda_destinations import SqsDestination
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from contract.keys import UPLOAD_SUFFIXES
from contract.settings import DeadLetterSettings, ListenerSettings
from stacks.farm_function import FarmFunction

LEASE = Duration.minutes(2)
"""Visibility of a message that a worker holds and renews: a dead worker's task comes back after it."""
RETENTION = Duration.days(14)
MAX_RECEIVES = 100
"""Only a backstop: every time a worker gives a task back counts. Attempts are counted on the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmQueues:
    bake: sqs.IQueue
    render: sqs.IQueue
    urgent: sqs.IQueue
    """Render tasks that agents look at first."""
    dead_letters: sqs.IQueue
    unheard_uploads: sqs.IQueue
    """Events that the listener could not handle, kept for a person to look at and send again."""

    @property
    def tasks(self) -> tuple[sqs.IQueue, sqs.IQueue, sqs.IQueue]:
        return self.bake, self.render, self.urgent


class QueuesStack(Stack):
    """Depends on storage, whose bucket's notification is made here: made there, the two would be a cycle."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        bucket: s3.IBucket,
        table: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        dead_letters = self._queue("DeadLetterQueue", visibility_timeout=Duration.minutes(3))
        backstop = sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=MAX_RECEIVES)
        self.queues = FarmQueues(
            bake=self._queue("BakeQueue", visibility_timeout=LEASE, dead_letter_queue=backstop),
            render=self._queue("RenderQueue", visibility_timeout=LEASE, dead_letter_queue=backstop),
            urgent=self._queue("UrgentQueue", visibility_timeout=LEASE, dead_letter_queue=backstop),
            dead_letters=dead_letters,
            unheard_uploads=self._queue("UnheardUploads"),
        )
        self._hear_uploads(bucket, table)
        self._read_dead_letters(table)
        CfnOutput(self, "BakeQueueUrl", value=self.queues.bake.queue_url)
        CfnOutput(self, "RenderQueueUrl", value=self.queues.render.queue_url)
        CfnOutput(self, "UrgentQueueUrl", value=self.queues.urgent.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=self.queues.dead_letters.queue_url)

    def _queue(
        self,
        construct_id: str,
        *,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
            retention_period=RETENTION,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )

    def _hear_uploads(self, bucket: s3.IBucket, table: dynamodb.ITable) -> None:
        listener = FarmFunction(
            self,
            "AcceptUpload",
            name="accept_upload",
            settings=ListenerSettings(
                job_table_name=table.table_name, bake_queue_url=self.queues.bake.queue_url
            ),
            timeout=Duration.seconds(30),
            on_failure=SqsDestination(self.queues.unheard_uploads),
        )
        bucket.grant_read(listener)
        table.grant(listener, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
        self.queues.bake.grant_send_messages(listener)
        heard = s3.Bucket.from_bucket_attributes(self, "RenderBucket", bucket_arn=bucket.bucket_arn)
        for suffix in heard_suffixes():
            heard.add_event_notification(
                s3.EventType.OBJECT_CREATED,
                notifications.LambdaDestination(listener),
                s3.NotificationKeyFilter(suffix=suffix),
            )

    def _read_dead_letters(self, table: dynamodb.ITable) -> None:
        reader = FarmFunction(
            self,
            "FailDeadLetters",
            name="fail_dead_letters",
            settings=DeadLetterSettings(job_table_name=table.table_name),
            timeout=Duration.seconds(30),
        )
        table.grant(reader, "dynamodb:UpdateItem")
        reader.add_event_source(SqsEventSource(self.queues.dead_letters, batch_size=10))


def heard_suffixes() -> list[str]:
    """Ends of the keys that S3 tells the listener of.

    S3 compares case, so each suffix is there as programs write it: .blend, .BLEND, .Blend. Without a
    filter every finished frame would wake the listener, and a thousand workers' frames would make
    uploads wait behind them.
    """
    return [spelling for s in UPLOAD_SUFFIXES for spelling in dict.fromkeys((s, s.upper(), s.title()))]
