"""The functions behind the dashboard's jobs: one looks, and a viewer needs no more; the other acts."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from contract.keys import OUTPUT_FOLDER, PROXIES_FOLDER, SMALL_PICTURES_PREFIX, THUMBNAILS_FOLDER
from contract.settings import JobActionSettings, JobsWidgetSettings
from contract.table import JOBS_BY_CREATION, UNFINISHED_JOBS
from stacks.acknowledgements import acknowledge_objects
from stacks.config import FarmConfig
from stacks.farm_function import FarmFunction
from stacks.permissions import allow_items, allow_lists


class JobsWidget(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: FarmConfig,
        bucket: s3.IBucket,
        table: dynamodb.ITable,
        bake_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.act_on_job = self._act_on_job(table, bake_queue)
        self.show_jobs = self._show_jobs(config, bucket, table)

    def _act_on_job(self, table: dynamodb.ITable, bake_queue: sqs.IQueue) -> FarmFunction:
        function = FarmFunction(
            self,
            "ActOnJob",
            name="act_on_job",
            settings=JobActionSettings(job_table_name=table.table_name, bake_queue_url=bake_queue.queue_url),
            timeout=Duration.seconds(15),
        )
        allow_items(function, table, "GetItem", "UpdateItem")
        bake_queue.grant(function, "sqs:SendMessage")
        return function

    def _show_jobs(self, config: FarmConfig, bucket: s3.IBucket, table: dynamodb.ITable) -> FarmFunction:
        function = FarmFunction(
            self,
            "ShowJobs",
            name="show_jobs",
            settings=JobsWidgetSettings(
                job_table_name=table.table_name,
                render_bucket_name=bucket.bucket_name,
                job_action_function_arn=self.act_on_job.function_arn,
                monthly_budget_dollars=config.monthly_budget_dollars,
            ),
            timeout=Duration.seconds(30),
            memory_megabytes=1024,  # a person waits, and Lambda gives processors by memory
        )
        allow_items(function, table, "GetItem", "BatchGetItem", "Query")
        allow_lists(function, table, JOBS_BY_CREATION, UNFINISHED_JOBS)
        role = function.role
        assert role
        for pictures in (
            f"{SMALL_PICTURES_PREFIX}*",
            f"*/{OUTPUT_FOLDER}/*/{THUMBNAILS_FOLDER}/*",
            f"*/{OUTPUT_FOLDER}/*/{PROXIES_FOLDER}/*",  # where agents of before put them
        ):
            function.add_to_role_policy(
                iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects(pictures)])
            )
            acknowledge_objects(role, bucket, pictures, "Each job of each project has its small pictures.")
        return function
