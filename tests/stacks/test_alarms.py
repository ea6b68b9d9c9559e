"""The alarms that call a person: what each looks at, how soon it calls, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from contract.metrics import FLEET_DIMENSION, SECONDS_WITHOUT_PROGRESS
from contract.settings import BacklogSettings
from tests.support.synthesized import Synthesized, synthesized

FREE_ALARMS = 10
TRACKING_ALARMS = 2
"""That AWS makes for the target tracking policy."""
ON_QUEUES = [
    ("DeadLetters", "NumberOfMessagesReceived", "Queues/DeadLetterQueue"),
    ("UnheardUpload", "ApproximateNumberOfMessagesVisible", "Queues/UnheardUploads"),
    ("UntoldChanges", "ApproximateNumberOfMessagesVisible", "Monitoring/Notifications/Untold"),
]
ON_FUNCTIONS = [
    ("MeasureBacklogFails", "Scaling/MeasureBacklog"),
    ("SweepJobsFails", "Scaling/SweepJobs"),
    ("SettleDeadLettersFails", "Queues/SettleDeadLetters"),
    ("JanitorFails", "Efs/Janitor/Function"),
]


def callers(farm: Synthesized) -> dict[str, Mapping[str, Any]]:
    """The alarms that write to the topic, by their names."""
    return {
        alarm.name.removeprefix("Monitoring/Alarms/"): alarm.properties
        for alarm in farm.resources("AWS::CloudWatch::Alarm")
        if "Storage/NotificationTopic" in alarm.properties["AlarmActions"]
    }


def dimensions(alarm: Mapping[str, Any]) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}


@pytest.mark.parametrize(("name", "metric", "queue"), ON_QUEUES)
def test_what_stays_on_a_queue_calls_at_once(name: str, metric: str, queue: str) -> None:
    alarm = callers(synthesized())[name]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", metric)
    assert dimensions(alarm) == {"QueueName": f"{queue}.QueueName"}
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (1, 1, 60)


@pytest.mark.parametrize(("name", "function"), ON_FUNCTIONS)
def test_a_function_that_fails_calls(name: str, function: str) -> None:
    alarm = callers(synthesized())[name]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Lambda", "Errors", "Sum")
    assert dimensions(alarm) == {"FunctionName": function}


def test_one_failed_run_of_a_schedule_calls_nobody_and_the_next_one_does_within_three() -> None:
    """An alarm that looks more often than the function runs would never see two failures in a row."""
    farm = synthesized()
    for name, function in ON_FUNCTIONS:
        alarm = callers(farm)[name]
        scheduled = [
            rule.properties["ScheduleExpression"]
            for rule in farm.resources("AWS::Events::Rule")
            if rule.properties["Targets"][0]["Arn"] == f"arn:{function}"
        ]
        if scheduled:
            assert alarm["Period"] == seconds_of(scheduled[0]), name
            assert 2 <= alarm["DatapointsToAlarm"] <= 3, name
            assert alarm["EvaluationPeriods"] <= 5, name


def test_what_cannot_be_settled_calls_when_it_fails_a_second_time() -> None:
    """SQS hands a dead letter out again when its visibility timeout is over."""
    farm = synthesized()
    alarm = callers(farm)["SettleDeadLettersFails"]
    queue = farm.resource("AWS::SQS::Queue", "Queues/DeadLetterQueue").properties
    assert alarm["Period"] >= queue["VisibilityTimeout"], "else there are periods without a try"
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 3)


def seconds_of(rate: str) -> int:
    number, unit = rate.removeprefix("rate(").removesuffix(")").split()
    return int(number) * {"minute": 60, "minutes": 60, "hour": 3600}[unit]


@pytest.mark.parametrize(
    "variables", [{}, {"worker_asg_name": "renderers", "cloudwatch_namespace": "Studio"}]
)
def test_the_fleets_alarm_looks_at_what_the_measure_writes(variables: dict[str, str]) -> None:
    farm = synthesized(**variables)
    function = farm.resource("AWS::Lambda::Function", "Scaling/MeasureBacklog").properties
    settings = BacklogSettings.from_env(function["Environment"]["Variables"])
    alarm = callers(farm)["FleetWithoutProgress"]
    assert alarm["Namespace"] == settings.cloudwatch_namespace
    assert alarm["MetricName"] == SECONDS_WITHOUT_PROGRESS
    assert dimensions(alarm) == {FLEET_DIMENSION: settings.worker_asg_name}
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Minimum", 30 * 60)


def test_each_calls_through_the_topic_and_says_what_to_do() -> None:
    alarms = callers(synthesized())
    assert set(alarms) == {"FleetWithoutProgress", *(a[0] for a in ON_QUEUES), *(a[0] for a in ON_FUNCTIONS)}
    for name, alarm in alarms.items():
        assert alarm["AlarmName"] == f"AutoBlenderRender-{name}", "the subject of the e-mail"
        assert alarm["AlarmActions"] == ["Storage/NotificationTopic"], name
        assert "OKActions" not in alarm, name
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", name
        assert alarm["TreatMissingData"] == "notBreaching", f"{name}: an idle farm writes nothing"
        words = alarm["AlarmDescription"]
        assert len(words) <= 1024, "what CloudWatch takes"
        assert any(verb in words.lower() for verb in ("see the log", "look at")), name


def test_all_of_them_are_within_what_aws_gives() -> None:
    """An alarm that looks at several metrics would count for each, and one of ten seconds is never free."""
    alarms = list(synthesized().resources("AWS::CloudWatch::Alarm"))
    assert not [alarm.name for alarm in alarms if "Metrics" in alarm.properties]
    minutely = [alarm for alarm in alarms if alarm.properties["Period"] >= 60]
    assert len(alarms) - len(minutely) == 1, "more workers wanted"
    assert len(minutely) + TRACKING_ALARMS <= FREE_ALARMS
