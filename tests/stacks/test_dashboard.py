"""The jobs on the dashboard: first and wide, asked for again, drawn and acted on by two functions."""

from __future__ import annotations

import json
from typing import Any

from contract import metrics
from contract.settings import JobActionSettings, JobsWidgetSettings
from tests.support.synthesized import synthesized


def widgets() -> list[dict[str, Any]]:
    dashboard = synthesized().resource("AWS::CloudWatch::Dashboard", "Monitoring/Dashboard").properties
    found: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    return found


def function(name: str) -> dict[str, Any]:
    return dict(synthesized().resource("AWS::Lambda::Function", f"Monitoring/Jobs/{name}").properties)


def test_the_jobs_come_first_over_the_whole_width() -> None:
    first, *others = widgets()
    assert (first["type"], first["x"], first["y"], first["width"]) == ("custom", 0, 0, 24)
    assert first["height"] >= 12
    assert min(widget["y"] for widget in others) == first["height"]
    assert first["properties"]["endpoint"] == "arn:Monitoring/Jobs/ShowJobs"
    assert first["properties"]["updateOn"] == {"refresh": True, "resize": True, "timeRange": True}


def test_the_graphs_stand_beside_each_other_and_on_nothing() -> None:
    places = [(w["x"], w["y"], w["width"], w["height"]) for w in widgets()]
    taken = [(x + dx, y + dy) for x, y, w, h in places for dx in range(w) for dy in range(h)]
    assert len(taken) == len(set(taken)) and max(x for x, _ in taken) < 24


def test_the_functions_are_told_what_they_need() -> None:
    show, act = function("ShowJobs"), function("ActOnJob")
    assert JobsWidgetSettings.from_env(show["Environment"]["Variables"]) == JobsWidgetSettings(
        job_table_name="Storage/JobTable",
        render_bucket_name="Storage/RenderBucket",
        job_action_function_arn="arn:Monitoring/Jobs/ActOnJob",
    )
    assert JobActionSettings.from_env(act["Environment"]["Variables"]) == JobActionSettings(
        job_table_name="Storage/JobTable", bake_queue_url="Queues/BakeQueue"
    )
    assert show["Handler"] == "functions.show_jobs.handler.handle"
    assert act["Handler"] == "functions.act_on_job.handler.handle"


def test_nobody_is_let_to_the_functions_but_by_their_own_rights() -> None:
    """The console calls with the viewer's rights: one who may call the first alone sees jobs."""
    permissions = synthesized().resources("AWS::Lambda::Permission")
    assert not [p for p in permissions if "Monitoring/Jobs" in str(p.properties["FunctionName"])]


def test_their_logs_are_kept_for_a_month() -> None:
    for name in ("ShowJobsLog", "ActOnJobLog"):
        log = synthesized().resource("AWS::Logs::LogGroup", f"Monitoring/Jobs/{name}").properties
        assert log["RetentionInDays"] == 30


def test_what_should_not_be_is_in_one_graph() -> None:
    (trouble,) = [w for w in widgets() if w["properties"].get("title") == "Should be nothing"]
    watched = {(metric[1], metric[3]) for metric in trouble["properties"]["metrics"]}
    functions = (
        "Scaling/MeasureBacklog",
        "Scaling/SweepJobs",
        "Efs/Janitor/Function",
        "Queues/AcceptUpload",
        "Queues/SettleDeadLetters",
        "Monitoring/Jobs/ShowJobs",
        "Monitoring/Jobs/ActOnJob",
    )
    assert {("Errors", name) for name in functions} < watched
    untold = "Monitoring/Notifications/Untold.QueueName"
    assert ("ApproximateNumberOfMessagesVisible", untold) in watched


def test_how_busy_machines_are_is_shown_as_the_agents_send_it() -> None:
    (graph,) = [w for w in widgets() if str(w["properties"].get("title")).startswith("Machines")]
    shown = {metric[1]: metric[4].get("stat", "Average") for metric in graph["properties"]["metrics"]}
    assert shown == {
        metrics.CPU_PERCENT: "Average",
        metrics.MEMORY_PERCENT: "Maximum",
        metrics.DISK_PERCENT: "Maximum",
        metrics.GPU_PERCENT: "Average",
        metrics.GPU_MEMORY_PERCENT: "Maximum",
    }
    group = "AutoBlenderRender-Compute-Workers"
    assert all(
        metric[:1] + metric[2:4] == ["AutoBlenderRender", metrics.FLEET_DIMENSION, group]
        for metric in graph["properties"]["metrics"]
    )
