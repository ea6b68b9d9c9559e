"""The dashboard's jobs as HTML: what a person reads, and what the console asks for."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest

from contract.job import JobState, Progress
from contract.job_requests import JobRequest
from functions.show_jobs.board import FrameFailure
from functions.show_jobs.request import MAX_JOBS, Request, Theme
from tests.support.jobs import a_job
from tests.support.read_html import Element, read_html
from tests.support.shown_jobs import FUNCTION, JPEG, a_rendering_job, ago, html_of, shown
from tests.support.widget_html import check


def card(html: str) -> Element:
    return read_html(html).one(class_="card")


def facts(html: str) -> dict[str, str]:
    """The numbers of the only card, by what they are of."""
    return {f.one("span").text: f.one("b").text for f in card(html).all(class_="fact")}


def test_a_job_that_renders() -> None:
    html = html_of(a_rendering_job())
    page = check(html)
    assert page.one(class_="name").text == "shot.blend"
    assert page.one(class_="state").text == "rendering"
    assert page.one(class_="sub").text == "p · sent 5 min ago · shot-0123456789ab"
    assert facts(html) == {
        "12 of 40 frames": "32 %",
        "failed": "1",
        "with 2 workers": "20.0 frames/min",
        "left": "81 s",
        "a frame": "6 s",
        "so far": "$1.23",
    }
    bar = page.one(class_="bar")
    assert [part.attributes["style"] for part in bar.all("div")] == ["width:30.00%", "width:2.50%"]
    assert page.one("ul").text == "frame 7out of memory"


def test_pictures_run_as_a_film_does_the_newest_last() -> None:
    strip = card(html_of(a_rendering_job())).one(class_="strip")
    assert [shot.text for shot in strip.all(class_="no")] == ["10", "11", "12"]
    for image in strip.all("img"):
        kind, _, data = (image.attributes["src"] or "").partition(",")
        assert (kind, b64decode(data)) == ("data:image/jpeg;base64", JPEG)
    assert strip.all("img")[2].attributes["alt"] == "shot.blend, frame 12"


BUTTONS = {
    JobState.QUEUED: ["cancel"],
    JobState.BAKING: ["cancel"],
    JobState.RENDERING: ["cancel"],
    JobState.FINISHING: [],
    JobState.DONE: [],
    JobState.DONE_WITH_FAILURES: ["retry"],
    JobState.FAILED: ["retry"],
    JobState.CANCELED: ["retry"],
    JobState.HELD: ["release", "cancel"],
}


@pytest.mark.parametrize(("state", "expected"), BUTTONS.items())
def test_the_buttons_are_those_that_would_do_something(state: JobState, expected: list[str]) -> None:
    """Each is an element, and right after it the action that the console runs."""
    job = a_job("j", name="n.blend", state=state, bake_token="t")
    acts = card(html_of(shown(job))).all(class_="act")
    assert len(acts) == bool(expected), "what has no button leaves no gap"
    children = [child for act in acts for child in act.children]
    presses = []
    for pressed, action in zip(children[::2], children[1::2], strict=True):
        assert isinstance(pressed, Element) and isinstance(action, Element)
        assert (pressed.name, action.name) == ("a", "cwdb-action")
        assert (pressed.attributes["class"] or "").split()[0] == "btn"
        assert {name: action.attributes[name] for name in ("action", "display", "endpoint")} == {
            "action": "call",
            "display": "popup",
            "endpoint": FUNCTION,
        }
        press = json.loads(action.text)
        assert press["job_id"] == "j"
        assert (action.attributes["confirmation"] or "").startswith(f"{pressed.text} n.blend? ")
        presses.append(press["action"])
    assert presses == expected
    assert set(presses) <= set(JobRequest)


def test_a_job_whose_id_is_none_has_no_button() -> None:
    assert shown(a_job('x"><b>', state=JobState.QUEUED)).buttons == ()


def test_what_it_waits_for_why_it_is_held_and_why_it_failed() -> None:
    for job, said in (
        (a_job(waiting_for="AWS has no machine"), "AWS has no machine"),
        (a_job(state=JobState.HELD, reason="the budget is spent"), "the budget is spent"),
        (a_job(state=JobState.FAILED, reason="it is empty"), "it is empty"),
        (
            a_job(
                state=JobState.BAKING,
                bake_progress={"kind": "cloth", "object": "Flag", "frame": 3, "last_frame": 9},
            ),
            "baking cloth of Flag: frame 3 of 9",
        ),
    ):
        assert card(html_of(shown(job))).one(class_="note").text == said
        assert read_html(html_of(rows=(shown(job),))).one(class_="row").one(class_="note").text == said
    assert card(html_of(shown(a_job()))).all(class_="note") == []


def test_more_failures_than_are_shown_are_counted() -> None:
    job = a_job(state=JobState.DONE_WITH_FAILURES)
    failures = tuple(FrameFailure(frame=n, reason="x") for n in (1, 2))
    html = html_of(shown(job, Progress(total=9, done=4, failed=5), failures=failures))
    assert [line.text for line in card(html).all("li")] == ["frame 1x", "frame 2x", "and 3 frames more"]


def test_a_row_says_the_first_reason_and_has_the_last_picture() -> None:
    job = replace(a_rendering_job(), view=replace(a_rendering_job().view, state=JobState.DONE_WITH_FAILURES))
    row = check(html_of(rows=(job,))).one(class_="row")
    assert row.one(class_="note").text.startswith("rendering") or "frame 7: out of memory" in row.text
    assert row.one("img").attributes["alt"] == "shot.blend, frame 12"


def test_the_month_and_its_budget() -> None:
    def spent(**look: Any) -> list[str]:
        return [s.text for s in read_html(html_of(a_rendering_job(), **look)).all(class_="spent")]

    assert spent() == []
    assert spent(month_dollars=3.5) == ["$3.50 this month"]
    assert spent(month_dollars=3.5, budget_dollars=100) == ["$3.50 of $100.00 this month"]
    assert spent(budget_dollars=100) == ["$0 of $100.00 this month"]
    over = html_of(a_rendering_job(), month_dollars=101, budget_dollars=100)
    assert len(read_html(over).all(class_="over")) == 1


def test_a_farm_without_jobs_says_so() -> None:
    assert "No jobs yet" in check(html_of()).text


def test_both_themes_have_colours_of_their_own_and_the_same_words() -> None:
    light, dark = (html_of(a_rendering_job(), theme=theme) for theme in Theme)
    assert read_html(light).text == read_html(dark).text
    sheets = [read_html(html).one("style").children[0] for html in (light, dark)]
    assert sheets[0] != sheets[1]
    for sheet in sheets:
        assert "$" not in str(sheet), "every colour is filled in"
        rules = [rule.strip() for rule in str(sheet).split("}") if rule.strip()]
        assert all(rule.startswith(".farm-jobs") for rule in rules), "no rule leaves the widget"


@pytest.mark.parametrize(("width", "size"), [(600, "narrow"), (900, "middle"), (1600, "wide")])
def test_it_is_laid_out_for_its_width(width: int, size: str) -> None:
    root = read_html(html_of(a_rendering_job(), width=width)).children[0]
    assert isinstance(root, Element)
    assert (root.attributes["class"] or "").split()[-1] == size


def test_two_hundred_jobs_are_quick_and_small() -> None:
    """Where it was measured it took 20 ms and 170 KB without pictures; Lambda answers with 6 MB at most."""
    rows = tuple(
        shown(
            a_job(
                f"job-{n}", name=f"shot_{n:03d}.blend", state=JobState.DONE_WITH_FAILURES, updated_at=ago(n)
            ),
            Progress(total=100, done=90, failed=10),
        )
        for n in range(MAX_JOBS - 8)
    )
    began = time.process_time()
    html = html_of(*[a_rendering_job(job_id=f"j{n}") for n in range(8)], rows=rows)
    assert time.process_time() - began < 1
    assert len(html) < 400_000
    assert len(read_html(html).all(class_="row")) + len(read_html(html).all(class_="card")) == MAX_JOBS


REQUESTS = [
    ({}, Request()),
    (
        {"widgetContext": {"theme": "dark", "width": 588}, "jobs": 7},
        Request(theme=Theme.DARK, width=588, jobs=7),
    ),
    ({"widgetContext": {"theme": "<b>", "width": "wide"}, "jobs": "many"}, Request()),
    ({"widgetContext": [1], "jobs": True}, Request()),
    ({"widgetContext": {"width": 1e9}, "jobs": 10**9}, Request(width=10_000, jobs=MAX_JOBS)),
    ({"widgetContext": {"width": -1}, "jobs": "0"}, Request(width=200, jobs=1)),
    ({"widgetContext": {"width": float("nan")}}, Request()),
]


@pytest.mark.parametrize(("event", "expected"), REQUESTS)
def test_what_the_console_asks_for(event: dict[str, object], expected: Request) -> None:
    assert Request.of(event) == expected
