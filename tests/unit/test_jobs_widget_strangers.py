"""The dashboard's jobs as HTML: a stranger's names are text alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.job import JobState
from functions.show_jobs.board import FrameFailure, ShownJob
from tests.support.jobs import a_job
from tests.support.shown_jobs import a_rendering_job, html_of, shown
from tests.support.widget_html import check

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
