"""The laptop page's graphs: read from a dashboard's body, measured, drawn."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.local.page.chart import HEIGHT, draw, number, scale
from farm.local.page.dashboard import Dashboard, DashboardError, Graph, Line, Target
from farm.local.page.series import Measured, Series, measure
from tests.support.aws_edges import aws_edges
from tests.support.read_html import Element, read_html
from tests.support.synthesized import synthesized

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
END = NOW.timestamp()
START = END - 900
TAGS = {
    "figure",
    "figcaption",
    "div",
    "svg",
    "line",
    "text",
    "polyline",
    "polygon",
    "circle",
    "p",
    "ul",
    "li",
    "i",
    "b",
}


def a_line(name: str = "FramesDone", label: str = "done") -> Line:
    return Line(
        namespace="Farm",
        name=name,
        dimensions={"Fleet": "workers"},
        statistic="Sum",
        period_seconds=60,
        label=label,
    )


def drawn(*points: tuple[float, float], title: str = "Frames", label: str = "done", **graph: Any) -> Element:
    lines = Graph(title=title, lines=(a_line(label=label),), **graph)
    series = Series(label=label, period_seconds=60, points=points)
    html = draw(Measured(graph=lines, series=(series,)), width=400, start=START, end=END, zone=UTC)
    page = read_html(html)
    assert {element.name for element in page.all()} <= TAGS
    return page


def test_the_deployed_dashboards_graphs_are_read_all_of_them() -> None:
    body = json.loads(
        synthesized()
        .resource("AWS::CloudWatch::Dashboard", "Monitoring/Dashboard")
        .properties["DashboardBody"]
    )
    dashboard = Dashboard.of(body)
    assert dashboard.jobs.endpoint == "arn:Monitoring/Jobs/ShowJobs"
    assert dashboard.jobs.parameters == {"jobs": 50}
    metric = [w["properties"] for w in body["widgets"] if w["type"] == "metric"]
    assert [graph.title for graph in dashboard.graphs] == [p["title"] for p in metric]
    assert [len(graph.lines) for graph in dashboard.graphs] == [len(p["metrics"]) for p in metric]
    frames = next(graph for graph in dashboard.graphs if graph.title == "Frames")
    done = frames.lines[0]
    assert (done.name, done.statistic, done.period_seconds, done.label) == ("FramesDone", "Sum", 60, "done")
    assert done.dimensions == {"Fleet": "AutoBlenderRender-Compute-Workers"}
    assert any(graph.targets for graph in dashboard.graphs)


def test_a_line_that_is_computed_of_others_is_left_out() -> None:
    assert Line.of([{"expression": "m1+m2", "label": "x"}], {}) is None


def test_a_dashboard_without_jobs_is_none_of_ours() -> None:
    with pytest.raises(DashboardError, match="no widget of jobs"):
        Dashboard.of({"widgets": []})


def test_values_come_from_the_metrics_as_they_were_put() -> None:
    now = datetime.now(UTC).replace(second=30, microsecond=0)
    with aws_edges() as aws:
        for minutes, value in ((1, 3.0), (2, 5.0), (90, 7.0)):
            aws.cloudwatch.put_metric_data(
                Namespace="Farm",
                MetricData=[
                    {
                        "MetricName": "FramesDone",
                        "Dimensions": [{"Name": "Fleet", "Value": "workers"}],
                        "Timestamp": now - timedelta(minutes=minutes),
                        "Value": value,
                    }
                ],
            )
        graphs = [
            Graph(title="Frames", lines=(a_line(), a_line("FramesFailed", "failed"))),
            Graph(title="Again", lines=(a_line(),)),
        ]
        frames, again = measure(aws.cloudwatch, graphs, now=now, minutes=15)
    done, failed = frames.series
    assert [value for _, value in done.points] == [5.0, 3.0]
    assert (failed.label, failed.points) == ("failed", ())
    assert again.series == (done,)


def test_a_line_goes_up_where_values_do_and_stays_on_the_drawing() -> None:
    page = drawn((START + 60, 0), (START + 120, 4), (START + 180, 8))
    points = [
        tuple(map(float, p.split(","))) for p in (page.one("polyline").attributes["points"] or "").split()
    ]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    assert all(0 <= x <= 400 and 0 <= y <= HEIGHT for x, y in points)
    assert page.one(class_="legend").text == "done 8"
    assert page.one("figcaption").text == "Frames"


def test_a_silence_is_a_gap_and_a_lonely_value_a_dot() -> None:
    page = drawn((START, 1), (START + 60, 1), (START + 600, 2))
    assert (len(page.all("polyline")), len(page.all("circle"))) == (1, 1)


def test_nothing_measured_is_said() -> None:
    page = drawn()
    assert page.one("p").text == "Nothing measured"
    assert page.one(class_="legend").text == "done –"


def test_a_target_is_a_line_of_its_own() -> None:
    page = drawn((START, 1), (START + 60, 1), targets=(Target(value=300, label="target"),))
    (line,) = [e for e in page.all("line") if e.attributes["class"] == "target"]
    assert float(line.attributes["y1"] or 0) < HEIGHT / 2
    assert page.one(class_="legend").text == "done 1target 300"


def test_the_time_is_marked_in_the_zone_of_the_person() -> None:
    marks = [element.text for element in drawn((START, 1)).all("text")]
    assert {"11:50", "11:55", "12:00"} <= set(marks)


@settings(deadline=None)
@given(st.text())
def test_titles_and_labels_are_text(said: str) -> None:
    page = drawn((START, 1), title=said, label=said)
    assert page.one("svg").attributes["aria-label"] is not None


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e15), max_size=5))
def test_every_value_fits_under_the_axis(values: list[float]) -> None:
    top, step = scale(values)
    assert top >= max(values, default=0)
    assert 2 <= round(top / step) <= 6


NUMBERS = [(0, "0"), (0.25, "0.25"), (12.345, "12.3"), (1500, "1.5k"), (2_000_000, "2M"), (7.3e9, "7.3G")]


@pytest.mark.parametrize(("value", "said"), NUMBERS)
def test_numbers_are_short(value: float, said: str) -> None:
    assert number(value) == said
