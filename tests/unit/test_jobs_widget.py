"""The dashboard's jobs as HTML: what a person reads, and that a stranger's names are text alone."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.job import JobState, Progress
from contract.job_requests import JobRequest
from functions.show_jobs import words
from functions.show_jobs.board import FrameFailure, ShownJob
from functions.show_jobs.request import MAX_JOBS, Request, Theme
from tests.support.jobs import a_job
from tests.support.read_html import Element, read_html
from tests.support.shown_jobs import FUNCTION, JPEG, NOW, a_rendering_job, ago, html_of, shown

TAGS = {"div", "span", "style", "b", "ul", "li", "a", "img", "cwdb-action"}
ATTRIBUTES = {
    *("class", "style", "title", "role", "tabindex", "src", "alt", "data-job", "confirmation", "action"),
    *("display", "endpoint", "aria-valuenow", "aria-valuemin", "aria-valuemax"),
}
"""None of them names a program, or a place to go to; `src` holds pictures alone."""

HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    '"><script>alert(1)</script><a title="',
    "' onmouseover='x' y='",
    "</cwdb-action><cwdb-action action=call endpoint=evil>{}",
    "</style><script>x</script>",
    "&lt;b&gt; &amp;amp; &#60;i&#62;",
    "a\u202egpj.exe\x00\x1b[31m\ud800",
    "javascript:alert(1)",
    "{0} {job} %s",
)


def card(html: str) -> Element:
    return read_html(html).one(class_="card")


def facts(html: str) -> dict[str, str]:
    """The numbers of the only card, by what they are of."""
    return {f.one("span").text: f.one("b").text for f in card(html).all(class_="fact")}


def check(html: str) -> Element:
    """No tag, no attribute and no address but ours. The parsed page."""
    page = read_html(html)
    for element in page.all():
        assert element.name in TAGS, element
        assert set(element.attributes) <= ATTRIBUTES, element
        source = element.attributes.get("src")
        assert source is None or source.startswith("data:image/jpeg;base64,"), element
        assert element.attributes.get("endpoint") in (None, FUNCTION), element
        if element.name == "cwdb-action":
            press = json.loads(element.text)
            assert set(press) == {"action", "job_id"}, element
    for style in page.all("style"):
        (sheet,) = style.children
        assert isinstance(sheet, str) and "url(" not in sheet and "@import" not in sheet
    return page


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


def test_every_frame_ended_is_not_every_frame_done_and_nearly_all_is_not_all() -> None:
    assert words.percent(0.9999) == "99 %"
    assert words.percent(1.0) == "100 %"
    assert words.percent(0.29) == "29 %", "as a float it is a little less"


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


def strangers(said: str) -> tuple[ShownJob, ...]:
    """Jobs that say it wherever a record can."""
    told = {"name": said, "project": said, "reason": said, "waiting_for": said}
    rendering = a_rendering_job(**told, options={"priority": said})
    bake = {"kind": said, "object": said, "frame": 1, "last_frame": 2}
    return (
        replace(rendering, failures=(FrameFailure(frame=1, reason=said),)),
        shown(a_job(**told, created_at=said, updated_at=said, state=JobState.BAKING, bake_progress=bake)),
        shown(a_job(**told, state=JobState.FAILED, bake_token="t")),
        shown(a_job(said, state=JobState.QUEUED)),
    )


@settings(deadline=None, max_examples=60)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(), st.text(alphabet="<>&\"'/=! -abcdefscript\x00\u202e")))
def test_what_a_stranger_wrote_is_text_and_nothing_else(said: str) -> None:
    jobs = strangers(said)
    page = check(html_of(*jobs, rows=jobs))
    plain = check(html_of(*strangers("x"), rows=strangers("x")))
    kinds = [(e.name, sorted(e.attributes)) for e in page.all() if e.name != "b"]
    if said.strip() and said not in ("high", "normal"):
        assert len(kinds) >= len(plain.all("div")), "no element is swallowed"
    assert {e.text for e in page.all(class_="btn")} <= {"Cancel", "Retry"}


@pytest.mark.parametrize("said", HOSTILE)
def test_a_stranger_is_read_as_they_wrote(said: str) -> None:
    seen = "".join("\ufffd" if c in "\u202e\x00\x1b\ud800" else c for c in said)
    page = check(html_of(*strangers(said)))
    assert page.all(class_="name")[0].text == seen
    assert page.all(class_="name")[0].attributes["title"] == seen
    assert page.all("cwdb-action")[0].attributes["confirmation"] == (
        f"Cancel {seen}? Its frames stop. What is rendered stays."
    )


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


DURATIONS = [
    (0, "0 s"),
    (119, "119 s"),
    (130, "2 min"),
    (3600, "1 h"),
    (7500, "2 h 5 min"),
    (86_400 * 3 + 4 * 3600, "3 d 4 h"),
]


@pytest.mark.parametrize(("seconds", "said"), DURATIONS)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_moments_and_money() -> None:
    assert words.ago(ago(3), NOW) == "just now"
    assert words.ago(ago(600), NOW) == "10 min ago"
    assert words.ago("2026", NOW) == words.ago("yesterday", NOW) == ""
    assert [words.money(d) for d in (0, 0.004, 1234.5)] == ["", "< $0.01", "$1,234.50"]
    assert [words.rate(r) for r in (0.5, 12.34, 240)] == [
        "30.0 frames/h",
        "12.3 frames/min",
        "240 frames/min",
    ]
