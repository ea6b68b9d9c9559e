"""Who tells people of jobs, and how they hear it: the table's stream, a Lambda, the topic, an e-mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, aws_lambda
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_lambda_event_sources import DynamoEventSource, SqsDlq
from constructs import Construct

from contract.job import TOLD
from contract.settings import NotifierSettings
from contract.table import SORT_KEY, job_key
from stacks.acknowledgements import acknowledge, acknowledge_wildcard
from stacks.config import FarmConfig
from stacks.farm_function import FarmFunction
from stacks.permissions import NO_RESOURCE_TYPES, allow_items

RETRIES = 20
"""Of a change that cannot be told: some minutes, in which the changes after it wait."""


class Notifications(Construct):
    """Costs nothing while nothing happens: Lambda reads a table's stream for nothing, and what the filter
    leaves out starts no run."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: FarmConfig,
        table: dynamodb.ITable,
        topic: sns.ITopic,
        dashboard_url: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = FarmFunction(
            self,
            "NotifyPeople",
            name="notify_people",
            settings=NotifierSettings(
                job_table_name=table.table_name,
                notification_topic_arn=topic.topic_arn,
                farm_name=config.farm_name,
                dashboard_url=dashboard_url,
            ),
            timeout=Duration.minutes(1),
        )
        allow_items(self.function, table, "Query")
        topic.grant_publish(self.function)
        self.untold = sqs.Queue(
            self,
            "Untold",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(self.untold, "SQS3", "It is where the stream's reader leaves what it could not tell.")
        self.function.add_event_source(
            DynamoEventSource(
                table,
                # LATEST may miss the first change after a deploy
                starting_position=aws_lambda.StartingPosition.TRIM_HORIZON,
                batch_size=1,  # a run that fails repeats its own change and no other
                retry_attempts=RETRIES,
                max_record_age=Duration.hours(1),
                on_failure=SqsDlq(self.untold),
                filters=state_changes(),
            )
        )
        role = self.function.role
        assert role
        why = f"dynamodb:ListStreams, for Lambda's polling. {NO_RESOURCE_TYPES}"
        acknowledge_wildcard(role, "*", why)
        if config.notification_email:
            sns.Subscription(
                self,
                "Email",
                topic=topic,
                protocol=sns.SubscriptionProtocol.EMAIL,
                endpoint=config.notification_email,
            )


def state_changes() -> list[Mapping[str, Any]]:
    """Filters that let a job through which comes into a state that is told, or is made in one.

    One for each state, since a filter cannot compare the two images; AWS takes five.
    """
    key = {SORT_KEY: {"S": [job_key("")[SORT_KEY]]}}
    came = [
        {
            "Keys": key,
            "NewImage": {"state": {"S": [state]}},
            "OldImage": {"state": {"S": [{"anything-but": [state]}]}},
        }
        for state in map(str, TOLD)
    ]
    made = {"Keys": key, "NewImage": {"state": {"S": [str(state) for state in TOLD]}}}
    return [
        *(aws_lambda.FilterCriteria.filter({"dynamodb": images}) for images in came),
        aws_lambda.FilterCriteria.filter({"eventName": ["INSERT"], "dynamodb": made}),
    ]
