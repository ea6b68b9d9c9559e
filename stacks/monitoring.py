"""What a person looks at, and what calls: the dashboard, the alarms, and the word that a job has ended."""

from __future__ import annotations

from aws_cdk import Aws, CfnOutput, Environment, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.alarms import FarmAlarms
from stacks.budget_notice import BudgetNotice
from stacks.config import FarmConfig
from stacks.dashboard import FarmDashboard
from stacks.farm_function import FarmFunction
from stacks.farm_queues import FarmQueues
from stacks.jobs_widget import JobsWidget
from stacks.notifications import Notifications


class MonitoringStack(Stack):
    """Depends on storage, queues, efs, compute and scaling."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        config: FarmConfig,
        bucket: s3.IBucket,
        table: dynamodb.ITable,
        queues: FarmQueues,
        group: autoscaling.AutoScalingGroup,
        measure_backlog: FarmFunction,
        sweep_jobs: FarmFunction,
        accept_upload: FarmFunction,
        settle_dead_letters: FarmFunction,
        janitor: FarmFunction,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        jobs = JobsWidget(self, "Jobs", config=config, bucket=bucket, table=table, bake_queue=queues.bake)
        dashboard = FarmDashboard(
            self,
            "Dashboard",
            config=config,
            group_name=group.auto_scaling_group_name,
            show_jobs=jobs.show_jobs,
            measure_backlog=measure_backlog,
        )
        name = dashboard.dashboard_name
        CfnOutput(self, "DashboardName", value=name)
        CfnOutput(self, "JobsWidgetFunctionName", value=jobs.show_jobs.function_name)
        CfnOutput(self, "JobActionFunctionName", value=jobs.act_on_job.function_name)
        url = (
            f"https://{Aws.REGION}.console.aws.amazon.com/cloudwatch/home"
            f"?region={Aws.REGION}#dashboards/dashboard/{name}"
        )
        CfnOutput(self, "DashboardUrl", value=url)
        notifications = Notifications(
            self, "Notifications", config=config, table=table, topic=topic, dashboard_url=url
        )
        failing = {
            "backlog not measured": measure_backlog,
            "jobs not swept": sweep_jobs,
            "scratch space not cleared": janitor,
            "uploads not accepted": accept_upload,
            "dead letters not settled": settle_dead_letters,
            "jobs not shown": jobs.show_jobs,
            "buttons that failed": jobs.act_on_job,
        }
        dashboard.add_queues(queues, notifications.untold, failing)
        if config.monthly_budget_dollars and config.notification_email:
            BudgetNotice(
                self,
                "BudgetNotice",
                farm_name=config.farm_name,
                dollars=config.monthly_budget_dollars,
                email=config.notification_email,
            )
        FarmAlarms(
            self,
            "Alarms",
            config=config,
            queues=queues,
            untold=notifications.untold,
            measure_backlog=measure_backlog,
            sweep_jobs=sweep_jobs,
            settle_dead_letters=settle_dead_letters,
            janitor=janitor,
            topic=topic,
        )
