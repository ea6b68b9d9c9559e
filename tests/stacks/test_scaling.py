from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from contract import metrics
from contract.metric_lines import Measured, metric_lines
from contract.scaling import MEASURE_PERIOD_SECONDS, SMALL_FLEET, WATCH_PERIOD_SECONDS, Backlog
from contract.settings import AgentSettings, BacklogSettings, JanitorSettings, SweepSettings
from functions.measure_backlog.emission import emit, values_of
from tests.stacks.test_compute import agent_environment
from tests.stacks.test_janitor import janitor_settings
from tests.support.embedded_metrics import Series, extracted
from tests.support.synthesized import Synthesized, synthesized
from worker_agent.telemetry.metric_sinks import metric_sink
from worker_agent.telemetry.metrics import FrameMetrics


class Recorder:
    """Clients of CloudWatch's metrics and of its logs that keep which series come of what they are given."""

    def __init__(self) -> None:
        self.series: set[Series] = set()

    def put_metric_data(self, *, Namespace: str, MetricData: list[Any]) -> None:  # noqa: N803 - as boto3 has it
        for datum in MetricData:
            self.series.add(_series(Namespace, datum["MetricName"], datum["Dimensions"]))

    def put_log_events(self, *, logEvents: list[Any], **_: str) -> dict[str, str]:  # noqa: N803
        for event in logEvents:
            self.series.update(extracted(event["message"]))
        return {}


def _series(namespace: str, name: str, dimensions: list[dict[str, str]]) -> Series:
    return namespace, name, tuple(sorted((d["Name"], d["Value"]) for d in dimensions))


def settings(farm: Synthesized) -> BacklogSettings:
    function = farm.resource("AWS::Lambda::Function", "Scaling/MeasureBacklog").properties
    return BacklogSettings.from_env(function["Environment"]["Variables"])


def emitted(farm: Synthesized) -> set[Series]:
    """Every series that the Lambdas and an agent write, with the settings they are deployed with."""
    recorder: Any = Recorder()
    backlog = Backlog(
        tasks=1, backlog_seconds=1, wanted_workers=1, backlog_per_instance=1, grow_to=1, unsettled=True
    )
    emit({**values_of(backlog), metrics.CAPACITY_REFUSED: 0}, settings(farm), cloudwatch=recorder)
    agent = AgentSettings.from_env({**agent_environment(farm), "FARM_WORKER_ID": "i-1"})
    sink = metric_sink(agent, logs=recorder, connect_cloudwatch=lambda: pytest.fail("it may not"))
    frames = FrameMetrics(sink)
    frames.frame_done(1.0)
    frames.frame_failed()
    frames.send()
    sink.close()
    series: set[Series] = recorder.series
    return series | counted(janitor_settings(farm))


def counted(janitor: JanitorSettings) -> set[Series]:
    """What CloudWatch reads from the janitor's log."""
    (line,) = metric_lines(
        [Measured(name=metrics.SCRATCH_BYTES, unit="Bytes", values=(7,))],
        namespace=janitor.cloudwatch_namespace,
        fleet=janitor.worker_asg_name,
        at=datetime.now(UTC),
    )
    return set(extracted(line))


OTHER = {"cloudwatch_namespace": "Studio/Farm", "worker_asg_name": "renderers"}


def test_tracking_follows_the_series_that_is_emitted() -> None:
    for farm in (synthesized(), synthesized(**OTHER)):
        policy = farm.resource("AWS::AutoScaling::ScalingPolicy", "Scaling/TrackBacklog").properties
        metric = policy["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]
        assert metric["MetricName"] == metrics.BACKLOG_PER_INSTANCE
        assert _series(metric["Namespace"], metric["MetricName"], metric["Dimensions"]) in emitted(farm)
        assert "Unit" not in metric


def test_the_target_is_the_backlog_the_owner_accepts() -> None:
    farm = synthesized(acceptable_latency_seconds="450.5")
    tracked = farm.resource("AWS::AutoScaling::ScalingPolicy", "Scaling/TrackBacklog").properties
    target = tracked["TargetTrackingConfiguration"]["TargetValue"]
    assert target == settings(farm).acceptable_latency_seconds == 450.5


def test_no_policy_waits_for_machines_to_warm_up() -> None:
    """The metric has the machines that boot, and while any warmed up no idle one could be taken."""
    farm = synthesized()
    for policy in farm.resources("AWS::AutoScaling::ScalingPolicy"):
        assert policy.properties["EstimatedInstanceWarmup"] == 0, policy.name
    (group,) = farm.resources("AWS::AutoScaling::AutoScalingGroup")
    assert group.properties["DefaultInstanceWarmup"] == 0


def test_the_step_policy_sets_the_very_capacity_that_is_asked_for() -> None:
    farm = synthesized()
    threshold = farm.resource("AWS::CloudWatch::Alarm", "Scaling/MoreWorkersWanted").properties["Threshold"]
    policy = farm.resource("AWS::AutoScaling::ScalingPolicy", "Scaling/GrowTo").properties
    assert (policy["AdjustmentType"], policy["MetricAggregationType"]) == ("ExactCapacity", "Maximum")
    steps = policy["StepAdjustments"]
    assert len(steps) == SMALL_FLEET <= 20, "AWS takes no more"
    for grow_to in range(1, SMALL_FLEET + 1):
        over = grow_to - threshold
        (capacity,) = [
            step["ScalingAdjustment"]
            for step in steps
            if step["MetricIntervalLowerBound"] <= over < step.get("MetricIntervalUpperBound", float("inf"))
        ]
        assert capacity == grow_to
    assert steps[0]["MetricIntervalLowerBound"] == 0, "the alarm's own threshold is the first"
    assert "MetricIntervalUpperBound" not in steps[-1]


def test_the_step_policys_alarm_acts_on_the_first_measure() -> None:
    for farm in (synthesized(), synthesized(**OTHER)):
        alarm = farm.resource("AWS::CloudWatch::Alarm", "Scaling/MoreWorkersWanted").properties
        assert (alarm["MetricName"], alarm["Statistic"]) == (metrics.GROW_TO, "Maximum")
        assert _series(alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) in emitted(farm)
        assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (
            1,
            1,
            WATCH_PERIOD_SECONDS,
        )
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmActions"] == ["Scaling/GrowTo"]
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_both_policies_act_on_the_fleet() -> None:
    farm = synthesized()
    (group,) = farm.resources("AWS::AutoScaling::AutoScalingGroup")
    policies = list(farm.resources("AWS::AutoScaling::ScalingPolicy"))
    assert len(policies) == 2
    assert {p.properties["AutoScalingGroupName"] for p in policies} == {
        group.properties["AutoScalingGroupName"]
    }
    assert settings(farm).worker_asg_name == group.properties["AutoScalingGroupName"]


def test_the_lambda_knows_the_queues_and_the_limits() -> None:
    farm = synthesized(worker_node_max_count="7", acceptable_latency_seconds="900", frame_queue_bpi="2.5")
    assert settings(farm) == BacklogSettings(
        job_table_name="Storage/JobTable",
        bake_queue_url="Queues/BakeQueue",
        render_queue_url="Queues/RenderQueue",
        urgent_queue_url="Queues/UrgentQueue",
        worker_asg_name="AutoBlenderRender-Compute-Workers",
        cloudwatch_namespace="AutoBlenderRender",
        acceptable_latency_seconds=900,
        worker_start_seconds=240,
        frame_queue_bpi=2.5,
        project_init_queue_bpi=1,
        worker_node_max_count=7,
        worker_version=settings(farm).worker_version,
        deploy_version=settings(farm).deploy_version,
    )


def test_the_sweep_knows_the_queues_and_comes_every_five_minutes() -> None:
    farm = synthesized()
    function = farm.resource("AWS::Lambda::Function", "Scaling/SweepJobs").properties
    assert SweepSettings.from_env(function["Environment"]["Variables"]) == SweepSettings(
        job_table_name="Storage/JobTable",
        bake_queue_url="Queues/BakeQueue",
        render_queue_url="Queues/RenderQueue",
        urgent_queue_url="Queues/UrgentQueue",
        stall_seconds=900,
    )
    rule = farm.resource("AWS::Events::Rule", "Scaling/EachFiveMinutes").properties
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(5 minutes)", "ENABLED")
    assert [target["Arn"] for target in rule["Targets"]] == ["arn:Scaling/SweepJobs"]
    assert function["Timeout"] < 5 * 60  # two rounds never overlap
    assert "VpcConfig" not in function  # from there it could not reach the queues


def test_it_measures_each_minute() -> None:
    rule = synthesized().resource("AWS::Events::Rule", "Scaling/EachMinute").properties
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["State"] == "ENABLED"
    (target,) = rule["Targets"]
    assert target["Arn"] == "arn:Scaling/MeasureBacklog"
    assert json.loads(target["Input"]) == {"watch": True}
    function = synthesized().resource("AWS::Lambda::Function", "Scaling/MeasureBacklog").properties
    assert function["Timeout"] > MEASURE_PERIOD_SECONDS


def test_the_dashboard_shows_every_series_and_both_capacities() -> None:
    for farm in (synthesized(), synthesized(**OTHER)):
        dashboard = farm.resource("AWS::CloudWatch::Dashboard", "Monitoring/Dashboard")
        shown = set(_shown(json.loads(dashboard.properties["DashboardBody"])))
        left_out = {series for series in emitted(farm) - shown if series[1] != metrics.GROW_TO}
        assert not left_out
        fleet = (("AutoScalingGroupName", settings(farm).worker_asg_name),)
        for name in ("GroupDesiredCapacity", "GroupInServiceInstances"):
            assert ("AWS/AutoScaling", name, fleet) in shown
        for queue in ("BakeQueue", "RenderQueue", "UrgentQueue"):
            dimension = (("QueueName", f"Queues/{queue}.QueueName"),)
            assert ("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimension) in shown
            assert ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", dimension) in shown
        targets = [
            a["value"]
            for w in json.loads(dashboard.properties["DashboardBody"])["widgets"]
            for a in w["properties"].get("annotations", {}).get("horizontal", [])
        ]
        assert targets == [settings(farm).acceptable_latency_seconds]


def test_one_graph_shows_wanted_desired_and_there_and_the_target_stands_where_its_line_is() -> None:
    farm = synthesized()
    (workers,) = [names for names, _ in _graphs(farm) if metrics.WANTED_WORKERS in names]
    assert {"GroupDesiredCapacity", "GroupInServiceInstances", metrics.CAPACITY_REFUSED} < set(workers)
    for names, targets in _graphs(farm):
        assert bool(targets) is (names == [metrics.BACKLOG_PER_INSTANCE])


def test_the_dashboard_finds_the_words_for_missing_machines() -> None:
    farm = synthesized()
    dashboard = farm.resource("AWS::CloudWatch::Dashboard", "Monitoring/Dashboard").properties
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    (query,) = [w["properties"]["query"] for w in widgets if w["type"] == "log"]
    source, *steps = [part.strip() for part in query.split("|")]
    function = farm.resource("AWS::Lambda::Function", "Scaling/MeasureBacklog").properties
    assert source == f"SOURCE '{function['LoggingConfig']['LogGroup']}'"
    assert steps[0] == f"filter @message like '{metrics.NO_MACHINE}'"
    assert steps[1] == f"parse @message '{metrics.NO_MACHINE} *' as reason"


def _graphs(farm: Synthesized) -> list[tuple[list[str], list[float]]]:
    """The names of each graph's metrics, and the values of its horizontal lines."""
    dashboard = farm.resource("AWS::CloudWatch::Dashboard", "Monitoring/Dashboard").properties
    return [
        (
            [line[1] for line in widget["properties"]["metrics"]],
            [a["value"] for a in widget["properties"].get("annotations", {}).get("horizontal", [])],
        )
        for widget in json.loads(dashboard["DashboardBody"])["widgets"]
        if widget["type"] == "metric"
    ]


def test_the_group_counts_itself() -> None:
    (group,) = synthesized().resources("AWS::AutoScaling::AutoScalingGroup")
    assert group.properties["MetricsCollection"] == [{"Granularity": "1Minute"}]  # all of its metrics


def _shown(body: dict[str, Any]) -> list[Series]:
    found = []
    for widget in body["widgets"]:
        for line in widget["properties"].get("metrics", []):
            namespace, name, *rest = [part for part in line if isinstance(part, str)]
            pairs = list(zip(rest[::2], rest[1::2], strict=True))
            found.append((namespace, name, tuple(sorted(pairs))))
    return found


@pytest.mark.parametrize(
    ("variables", "another"),
    [
        ({"cloudwatch_namespace": "Studio"}, True),
        ({"worker_idle_seconds": "60"}, True),
        ({"blender_sessions": "4"}, True),
        ({"blender_versions": "4.5.15"}, True),
        ({"worker_node_max_count": "30", "acceptable_latency_seconds": "600"}, False),
    ],
)
def test_machines_are_of_another_version_when_they_are_made_of_something_else(
    variables: dict[str, str], another: bool
) -> None:
    before, after = (settings(farm).worker_version for farm in (synthesized(), synthesized(**variables)))
    assert (before != after) is another


def test_machines_are_told_of_a_version_only_when_the_template_gives_it() -> None:
    """Told before, they would be replaced by machines of the version that they are of themselves."""
    farm = synthesized()
    told = settings(farm).worker_version
    assert told == agent_environment(farm)["FARM_WORKER_VERSION"]
    imported = json.dumps(farm.templates["Scaling"])
    assert re.search(r'"Fn::ImportValue": "[\w-]*-Compute:', imported), "CloudFormation deploys it afterwards"
