"""The laptop page's addresses: who is answered, what a press may call, what is said when the farm is ill."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from farm.local.page.console import Console
from farm.local.page.guard import Doorman
from farm.local.page.site import MAX_PRESS_BYTES, make_site
from tests.support.asgi import Answer, ask

SHOW = "arn:aws:lambda:us-east-1:000000000000:function:Show"
ACT = "arn:aws:lambda:us-east-1:000000000000:function:Act"
BODY = {"widgets": [{"type": "custom", "properties": {"endpoint": SHOW, "params": {"jobs": 7}}}]}


class Farm:
    """Answers as a deployed farm, or as an ill one."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.answer: Mapping[str, Any] = {}
        self.payload = json.dumps("<p>drawn</p>").encode()

    def invoke(self, *, FunctionName: str, Payload: str) -> Mapping[str, Any]:  # noqa: N803
        self.calls.append((FunctionName, json.loads(Payload)))
        return {**self.answer, "Payload": io.BytesIO(self.payload)}

    def get_dashboard(self, *, DashboardName: str) -> Mapping[str, str]:  # noqa: N803
        return {"DashboardBody": json.dumps(BODY)}


class Site:
    def __init__(self) -> None:
        self.farm = Farm()
        farm: Any = self.farm
        console = Console(
            functions=farm,
            cloudwatch=farm,
            dashboard_name="d",
            action_function="Act",
            now=lambda: datetime(2026, 11, 24, tzinfo=UTC),
        )
        self.doorman = Doorman(4711)
        self.app = make_site(console, self.doorman)

    def get(self, path: str, query: str = "", **headers: str) -> Answer:
        return ask(self.app, "GET", path, {"host": "127.0.0.1:4711", **headers}, query)

    def press(self, body: object, **headers: str) -> Answer:
        ours = {
            "host": "127.0.0.1:4711",
            "origin": "http://127.0.0.1:4711",
            "x-farm-token": self.doorman.token,
        }
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return ask(self.app, "POST", "/act", {**ours, **headers}, body=data)


@pytest.fixture
def site() -> Site:
    return Site()


PRESS = {"endpoint": ACT, "params": {"action": "cancel", "job_id": "j"}, "theme": "dark"}


def test_the_page_has_its_token_and_no_script_but_its_file(site: Site) -> None:
    page = site.get("/")
    assert page.status == 200 and f'content="{site.doorman.token}"' in page.text
    assert page.text.count("<script") == 1 and '<script src="/page.js"></script>' in page.text
    assert site.get("/page.js").headers["content-type"].startswith("text/javascript")
    assert site.get("/page.css").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("path", ["/", "/jobs", "/page.js", "/nowhere"])
def test_every_answer_forbids_other_scripts(site: Site, path: str) -> None:
    policy = site.get(path).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert (rules["default-src"], rules["script-src"]) == ("'none'", "'self'")
    assert (rules["frame-ancestors"], rules["base-uri"], rules["form-action"]) == ("'none'",) * 3
    assert rules["img-src"] == "'self' data:"


def test_it_draws_what_the_dashboards_function_draws(site: Site) -> None:
    answer = site.get("/jobs", "theme=dark&width=600")
    assert (answer.status, answer.text) == (200, "<p>drawn</p>")
    ((function, event),) = site.farm.calls
    assert (function, event["jobs"]) == (SHOW, 7)
    assert (event["widgetContext"]["theme"], event["widgetContext"]["width"]) == ("dark", 600)


@pytest.mark.parametrize("query", ["", "theme=<b>&width=-1", "width=99999999999", "width=²"])
def test_odd_looks_are_drawn_somehow(site: Site, query: str) -> None:
    assert site.get("/jobs", query).status == 200
    ((_, event),) = site.farm.calls
    assert event["widgetContext"]["theme"] == "light"
    assert 240 <= event["widgetContext"]["width"] <= 4000


STRANGERS = [
    {"host": "evil.example"},
    {"host": "127.0.0.1"},
    {"host": "127.0.0.1:4712"},
    {"host": "127.0.0.1:4711.evil.example"},
    {"host": ""},
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:4711"},
]


@pytest.mark.parametrize("headers", STRANGERS)
def test_another_name_or_another_site_is_not_answered(site: Site, headers: dict[str, str]) -> None:
    for answer in (site.get("/", **headers), site.get("/jobs", **headers), site.press(PRESS, **headers)):
        assert answer.status == 403
        assert site.doorman.token not in answer.text
    assert site.farm.calls == []


def test_this_computer_has_two_names(site: Site) -> None:
    assert site.get("/", host="localhost:4711").status == 200


def test_a_press_calls_the_buttons_function(site: Site) -> None:
    assert site.press(PRESS).text == "<p>drawn</p>"
    ((function, event),) = site.farm.calls
    assert (function, event["action"], event["job_id"]) == (ACT, "cancel", "j")
    assert event["widgetContext"]["theme"] == "dark"


@pytest.mark.parametrize("token", ["", "x", "²"])
def test_a_press_without_the_token_does_nothing(site: Site, token: str) -> None:
    assert site.press(PRESS, **{"x-farm-token": token}).status == 403
    assert site.farm.calls == []


@pytest.mark.parametrize("endpoint", [SHOW, "Act", f"{ACT}:1", "arn:aws:lambda:x:0:function:Other", ""])
def test_a_press_calls_no_other_function(site: Site, endpoint: str) -> None:
    assert site.press({**PRESS, "endpoint": endpoint}).status == 403
    assert site.farm.calls == []


ODD = [b"", b"[1]", b"{}", b"\xff", b'{"endpoint": 1, "params": {}}', b'{"endpoint": "x", "params": []}']


@pytest.mark.parametrize("body", [*ODD, b" " * (MAX_PRESS_BYTES + 1), b"[" * 9000])
def test_what_is_no_press_is_refused(site: Site, body: bytes) -> None:
    assert site.press(body).status == 400
    assert site.farm.calls == []


def test_a_press_is_no_page(site: Site) -> None:
    assert site.get("/act").status == 405


def test_a_function_that_fails_is_said(site: Site) -> None:
    site.farm.answer = {"FunctionError": "Unhandled"}
    site.farm.payload = b'{"errorMessage": "no table"}'
    answer = site.get("/jobs")
    assert answer.status == 502 and "Show failed" in answer.text and "no table" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("payload", [b"{}", b"null", b"<p>"])
def test_a_function_that_draws_no_html_is_said(site: Site, payload: bytes) -> None:
    site.farm.payload = payload
    assert site.get("/jobs").status == 502
