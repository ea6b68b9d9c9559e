"""What makes the fleet as large as the backlog wants, and what sees to it that no job waits for ever."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk.aws_cloudwatch_actions import AutoScalingAction
from aws_cdk.aws_events_targets import LambdaFunction
from constructs import Construct

from contract.metrics import BACKLOG_PER_INSTANCE, GROW_TO
from contract.scaling import (
    MEASURE_PERIOD_SECONDS,
    SMALL_FLEET,
    WARMUP_SECONDS,
    WATCH_EVENT,
    WATCH_PERIOD_SECONDS,
)
from contract.settings import BacklogSettings, SweepSettings
from contract.table import UNFINISHED_JOBS
from stacks.acknowledgements import acknowledge_wildcard
from stacks.config import FarmConfig
from stacks.farm_function import FarmFunction
from stacks.farm_queues import FarmQueues
from stacks.farm_version import deploy_version
from stacks.fleet_metrics import fleet_metric
from stacks.permissions import (
    GROUP_IS_NAMED,
    allow_everywhere,
    allow_items,
    allow_lists,
    allow_put_metrics,
    group_arn,
)

STALL = Duration.minutes(15)
"""How long a job may stand still: far longer than a queue's count lags behind what is on it."""
GROW_THRESHOLD = 1


class ScalingStack(Stack):
    """Depends on storage, queues and compute."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        config: FarmConfig,
        table: dynamodb.ITable,
        queues: FarmQueues,
        group: autoscaling.AutoScalingGroup,
        worker_version: str,
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        self._namespace = config.cloudwatch_namespace
        self._group = group
        self._worker_version = worker_version
        self.measure_backlog = self._measure_each_minute(config, table, queues)
        self._track_backlog(config.acceptable_latency_seconds)
        self._grow()
        self.sweep_jobs = self._sweep(config, table, queues)
        CfnOutput(self, "BacklogFunctionName", value=self.measure_backlog.function_name)
        CfnOutput(self, "SweepFunctionName", value=self.sweep_jobs.function_name)

    def _measure_each_minute(
        self, config: FarmConfig, table: dynamodb.ITable, queues: FarmQueues
    ) -> FarmFunction:
        function = FarmFunction(
            self,
            "MeasureBacklog",
            name="measure_backlog",
            function_name=config.backlog_function_name,
            settings=BacklogSettings(
                job_table_name=table.table_name,
                bake_queue_url=queues.bake.queue_url,
                render_queue_url=queues.render.queue_url,
                urgent_queue_url=queues.urgent.queue_url,
                worker_asg_name=self._group.auto_scaling_group_name,
                cloudwatch_namespace=config.cloudwatch_namespace,
                acceptable_latency_seconds=config.acceptable_latency_seconds,
                worker_start_seconds=config.worker_start_seconds,
                frame_queue_bpi=config.frame_queue_bpi,
                project_init_queue_bpi=config.project_init_queue_bpi,
                worker_node_max_count=config.worker_node_max_count,
                worker_version=self._worker_version,
                deploy_version=deploy_version(config),
                worker_hour_dollars=config.worker_hour_dollars,
            ),
            timeout=Duration.seconds(MEASURE_PERIOD_SECONDS + 30),  # it watches for a minute
            retry_attempts=0,  # the next minute measures anew; an old measure is worth nothing
            max_event_age=Duration.seconds(MEASURE_PERIOD_SECONDS),
        )
        for queue in queues.tasks:
            queue.grant(function, "sqs:GetQueueAttributes")
        allow_items(function, table, "Query", "GetItem", "BatchGetItem", "UpdateItem")
        allow_lists(function, table, UNFINISHED_JOBS)
        allow_put_metrics(function, config.cloudwatch_namespace)
        self._let_it_see_and_end_machines(function, config.fleet_name)
        events.Rule(
            self,
            "EachMinute",
            schedule=events.Schedule.rate(Duration.seconds(MEASURE_PERIOD_SECONDS)),
            targets=[LambdaFunction(function, event=events.RuleTargetInput.from_object({WATCH_EVENT: True}))],
        )
        return function

    def _let_it_see_and_end_machines(self, function: FarmFunction, group_name: str) -> None:
        allow_everywhere(
            function,
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeScalingActivities",
            "ec2:DescribeInstances",
        )
        own = group_arn(self, group_name)
        function.add_to_role_policy(  # one of which nothing is heard; and to have no more when none comes up
            iam.PolicyStatement(
                actions=["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
                resources=[own],
            )
        )
        role = function.role
        assert role
        acknowledge_wildcard(role, own, GROUP_IS_NAMED)

    def _sweep(self, config: FarmConfig, table: dynamodb.ITable, queues: FarmQueues) -> FarmFunction:
        function = FarmFunction(
            self,
            "SweepJobs",
            name="sweep_jobs",
            settings=SweepSettings(
                job_table_name=table.table_name,
                bake_queue_url=queues.bake.queue_url,
                render_queue_url=queues.render.queue_url,
                urgent_queue_url=queues.urgent.queue_url,
                stall_seconds=int(STALL.to_seconds()),
                monthly_budget_dollars=config.monthly_budget_dollars,
            ),
            timeout=Duration.minutes(4),  # less than a round comes after
            retry_attempts=0,
        )
        allow_items(function, table, "Query", "GetItem", "BatchGetItem", "UpdateItem")
        allow_lists(function, table, UNFINISHED_JOBS)
        for queue in queues.tasks:
            queue.grant(function, "sqs:GetQueueAttributes", "sqs:SendMessage")
        events.Rule(
            self,
            "EachFiveMinutes",
            schedule=events.Schedule.rate(Duration.minutes(5)),
            targets=[LambdaFunction(function)],
        )
        return function

    def _track_backlog(self, target: float) -> None:
        autoscaling.TargetTrackingScalingPolicy(
            self,
            "TrackBacklog",
            auto_scaling_group=self._group,
            custom_metric=self._metric(BACKLOG_PER_INSTANCE, "Average"),
            target_value=target,
            estimated_instance_warmup=Duration.seconds(WARMUP_SECONDS),
        )

    def _grow(self) -> None:
        """A small fleet grows to the wanted number at once: tracking cannot multiply none, and takes minutes.

        One step for each number: bounds are counted from the alarm's threshold.
        """
        action = autoscaling.StepScalingAction(
            self,
            "GrowTo",
            auto_scaling_group=self._group,
            adjustment_type=autoscaling.AdjustmentType.EXACT_CAPACITY,
            metric_aggregation_type=autoscaling.MetricAggregationType.MAXIMUM,
            estimated_instance_warmup=Duration.seconds(WARMUP_SECONDS),
        )
        for capacity in range(1, SMALL_FLEET + 1):
            action.add_adjustment(
                adjustment=capacity,
                lower_bound=capacity - GROW_THRESHOLD,
                upper_bound=capacity + 1 - GROW_THRESHOLD if capacity < SMALL_FLEET else None,
            )
        alarm = cloudwatch.Alarm(
            self,
            "MoreWorkersWanted",
            alarm_description="There is more work than a small fleet's workers can do: some start. No fault.",
            metric=self._metric(GROW_TO, "Maximum", Duration.seconds(WATCH_PERIOD_SECONDS)),
            threshold=GROW_THRESHOLD,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(AutoScalingAction(action))

    def _metric(self, name: str, statistic: str, period: Duration | None = None) -> cloudwatch.Metric:
        return fleet_metric(
            name,
            namespace=self._namespace,
            fleet=self._group.auto_scaling_group_name,
            statistic=statistic,
            period=period,
        )
