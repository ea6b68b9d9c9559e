"""What a person looks at: the dashboard, and the alarms that call."""

from __future__ import annotations

from aws_cdk import Aws, CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cw
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.aws_cloudwatch_actions import SnsAction
from constructs import Construct

from stacks.config import FarmConfig
from stacks.dashboard import FarmDashboard, deepest
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
        janitor: FarmFunction,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        self._topic = topic
        jobs = JobsWidget(self, "Jobs", config=config, bucket=bucket, table=table, bake_queue=queues.bake)
        dashboard = FarmDashboard(
            self,
            "Dashboard",
            config=config,
            group_name=group.auto_scaling_group_name,
            queues=queues,
            show_jobs=jobs.show_jobs,
            measure_backlog=measure_backlog,
            sweep_jobs=sweep_jobs,
            janitor=janitor,
        )
        self._alarm(
            "DeadLetters",
            "Workers died of a task without a word: its frame or its job says so. See the workers' logs.",
            # received, not visible: the Lambda on this queue empties it before anybody looks
            queues.dead_letters.metric_number_of_messages_received(period=Duration.minutes(1)),
        )
        self._alarm(
            "UnheardUpload",
            "An upload became no job: its event is kept on the queue of unheard uploads.",
            deepest(queues.unheard_uploads),
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
        CfnOutput(self, "NotifyFunctionName", value=notifications.function.function_name)

    def _alarm(self, construct_id: str, description: str, metric: cw.Metric) -> None:
        alarm = cw.Alarm(
            self,
            construct_id,
            alarm_description=description,
            metric=metric,
            threshold=1,
            comparison_operator=cw.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cw.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(SnsAction(self._topic))
