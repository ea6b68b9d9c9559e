"""The page that a person opens to see how the farm does."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cw
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from contract import metrics
from stacks.config import FarmConfig
from stacks.farm_function import FarmFunction
from stacks.farm_queues import FarmQueues
from stacks.fleet_metrics import fleet_metric


class FarmDashboard(cw.Dashboard):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: FarmConfig,
        group_name: str,
        show_jobs: FarmFunction,
        measure_backlog: FarmFunction,
    ) -> None:
        super().__init__(scope, construct_id, default_interval=Duration.hours(3))
        self._config = config
        self._group_name = group_name
        self.add_widgets(_jobs(show_jobs))
        self.add_widgets(self._frames(), self._frame_seconds())
        self.add_widgets(self._capacity(), self._backlog())
        self.add_widgets(self._backlog_seconds(), self._refusals(measure_backlog))

    def add_queues(self, queues: FarmQueues, untold: sqs.IQueue, failing: Mapping[str, FarmFunction]) -> None:
        """The rows below: tasks, and what should not be there; `failing` by what it means when they fail.

        The teller of changes cannot be among them: it knows this dashboard's address. What it fails at lies
        on `untold`.
        """
        self.add_widgets(self._tasks(queues), self._trouble(queues, untold, failing))
        self.add_widgets(self._machines(), self._scratch())

    def _frames(self) -> cw.GraphWidget:
        return _graph(
            "Frames",
            self._metric(metrics.FRAMES_DONE, "Sum", "done"),
            self._metric(metrics.FRAMES_FAILED, "Sum", "failed"),
        )

    def _frame_seconds(self) -> cw.GraphWidget:
        return _graph(
            "Seconds a frame took",
            *(self._metric(metrics.FRAME_SECONDS, s, s.lower()) for s in ("Minimum", "Average", "Maximum")),
        )

    def _capacity(self) -> cw.GraphWidget:
        return _graph(
            "Workers",
            self._metric(metrics.WANTED_WORKERS, "Maximum", "wanted"),
            self._group_metric("GroupDesiredCapacity", "desired"),
            self._group_metric("GroupInServiceInstances", "in service"),
            self._metric(metrics.CAPACITY_REFUSED, "Maximum", "1: AWS refuses machines"),
        )

    def _backlog(self) -> cw.GraphWidget:
        target = self._config.acceptable_latency_seconds
        return _graph(
            "Seconds of backlog per instance",
            self._metric(metrics.BACKLOG_PER_INSTANCE, "Average", "backlog per instance"),
            annotations=[cw.HorizontalAnnotation(value=target, label="target: above it, machines are added")],
        )

    def _backlog_seconds(self) -> cw.GraphWidget:
        return _graph(
            "Seconds of work left for one worker, in frames that have been timed",
            self._metric(metrics.BACKLOG_SECONDS, "Maximum", "left"),
        )

    def _refusals(self, measure_backlog: FarmFunction) -> cw.LogQueryWidget:
        """In AWS's words or plainer ones, as they stand on the jobs that wait."""
        return cw.LogQueryWidget(
            title="Why AWS gives no machines",
            log_group_names=[measure_backlog.log_group.log_group_name],
            query_lines=[
                f"filter @message like '{metrics.NO_MACHINE}'",
                f"parse @message '{metrics.NO_MACHINE} *' as reason",
                "stats count(*) as minutes, max(@timestamp) as last by reason",
                "sort last desc",
            ],
            view=cw.LogQueryVisualizationType.TABLE,
            width=12,
            height=6,
        )

    def _tasks(self, queues: FarmQueues) -> cw.GraphWidget:
        named = {"bake": queues.bake, "render": queues.render, "urgent": queues.urgent}
        waiting = [deepest(queue, f"{name} waiting") for name, queue in named.items()]
        held = [
            queue.metric_approximate_number_of_messages_not_visible(
                statistic="Maximum", period=Duration.minutes(1), label=f"{name} in work"
            )
            for name, queue in named.items()
        ]
        return _graph("Tasks", *waiting, *held)

    def _trouble(
        self, queues: FarmQueues, untold: sqs.IQueue, failing: Mapping[str, FarmFunction]
    ) -> cw.GraphWidget:
        return _graph(
            "Should be nothing",
            queues.dead_letters.metric_number_of_messages_received(
                period=Duration.minutes(1), label="tasks given up"
            ),
            deepest(queues.unheard_uploads, "uploads unheard"),
            deepest(untold, "changes untold"),
            *(f.metric_errors(period=Duration.minutes(1), label=label) for label, f in failing.items()),
        )

    def _machines(self) -> cw.GraphWidget:
        """The fullest memory and disk: one machine without any is in trouble, however the others do."""
        return _graph(
            "Machines (percent of what one has)",
            self._metric(metrics.CPU_PERCENT, "Average", "processors, on average"),
            self._metric(metrics.MEMORY_PERCENT, "Maximum", "fullest memory"),
            self._metric(metrics.DISK_PERCENT, "Maximum", "fullest disk"),
            self._metric(metrics.GPU_PERCENT, "Average", "GPUs, on average"),
            self._metric(metrics.GPU_MEMORY_PERCENT, "Maximum", "fullest memory of a GPU"),
        )

    def _scratch(self) -> cw.GraphWidget:
        """Counted each hour, and not at all in an hour that is spent on deleting."""
        hourly = Duration.hours(1)
        return _graph(
            "Scratch space (bytes)",
            self._metric(metrics.SCRATCH_BYTES, "Maximum", "after clearing", period=hourly),
        )

    def _metric(self, name: str, statistic: str, label: str, period: Duration | None = None) -> cw.Metric:
        return fleet_metric(
            name,
            namespace=self._config.cloudwatch_namespace,
            fleet=self._group_name,
            statistic=statistic,
            label=label,
            period=period,
        )

    def _group_metric(self, name: str, label: str) -> cw.Metric:
        return cw.Metric(
            namespace="AWS/AutoScaling",
            metric_name=name,
            dimensions_map={"AutoScalingGroupName": self._group_name},
            statistic="Maximum",
            label=label,
            period=Duration.minutes(1),
        )


def _jobs(show_jobs: FarmFunction) -> cw.CustomWidget:
    """The console asks a person once whether it may call the function."""
    return cw.CustomWidget(
        title="Jobs",
        function_arn=show_jobs.function_arn,
        params={"jobs": 50},
        update_on_refresh=True,
        update_on_resize=True,
        update_on_time_range_change=True,
        width=24,
        height=16,
    )


def deepest(queue: sqs.IQueue, label: str | None = None) -> cw.Metric:
    """The most messages that waited on a queue within a minute."""
    return queue.metric_approximate_number_of_messages_visible(
        statistic="Maximum", period=Duration.minutes(1), label=label
    )


def _graph(
    title: str, *lines: cw.IMetric, annotations: list[cw.HorizontalAnnotation] | None = None
) -> cw.GraphWidget:
    return cw.GraphWidget(
        title=title,
        left=list(lines),
        left_annotations=annotations,
        left_y_axis=cw.YAxisProps(min=0, show_units=False),
        width=12,
        height=6,
    )
