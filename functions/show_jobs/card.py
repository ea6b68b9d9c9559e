"""A job shown large: how far it is, what it looks like, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from contract.job import JobState
from contract.job_view import JobView
from functions.show_jobs import parts, words
from functions.show_jobs.board import ShownJob
from functions.show_jobs.markup import NOTHING, Markup, div, element, span

_FAILED: Final = "failed"


def card(job: ShownJob, *, function_arn: str, now: datetime) -> Markup:
    view = job.view
    listed = view.state is JobState.DONE_WITH_FAILURES and job.failures  # its reason says the same once more
    note = "" if listed else words.note(view)
    return div(
        f"card {view.state.lower()}",
        div(
            "head",
            div("title", parts.name(view), div("sub", _where(view, now), title=view.job_id)),
            parts.state(view),
            parts.buttons(job, function_arn) if job.buttons else NOTHING,
        ),
        _bar(view) if view.frames else NOTHING,
        _facts(view),
        div("note", note) if note else NOTHING,
        _strip(job),
        _failures(job),
        data_job=view.job_id,
    )


def _where(view: JobView, now: datetime) -> str:
    then = words.ago(view.updated_at if view.state.ended else view.created_at, now)
    when = f"{'ended' if view.state.ended else 'sent'} {then}" if then else ""
    return " · ".join(part for part in (view.project, when, view.job_id) if part)


def _bar(view: JobView) -> Markup:
    done, failed = (f"width:{100 * n / view.frames:.2f}%" for n in (view.frames_done, view.frames_failed))
    return div(
        "bar",
        div("ok", style=done),
        div("not", style=failed),
        role="progressbar",
        aria_valuenow=words.percent(view.fraction).removesuffix(" %"),
        aria_valuemin="0",
        aria_valuemax="100",
    )


def _facts(view: JobView) -> Markup:
    facts = [
        div("fact ill" if label == _FAILED else "fact", element("b", value), element("span", label))
        for value, label in _told(view)
    ]
    return div("facts", *facts) if facts else NOTHING


def _told(view: JobView) -> Iterator[tuple[str, str]]:
    """Numbers that somebody knows."""
    if view.frames:
        part = view.frames_done / view.frames if view.state.ended else view.fraction
        yield words.percent(part), f"{view.frames_done} of {view.frames} frames"
    if view.frames_failed:
        yield str(view.frames_failed), _FAILED
    if view.frames_per_minute:
        yield words.rate(view.frames_per_minute), f"with {_count(len(view.workers), 'worker')}"
    if view.seconds_left is not None:
        yield words.duration(view.seconds_left), "left"
    if view.seconds_per_frame is not None:
        yield f"{view.seconds_per_frame:.3g} s", "a frame"
    if words.money(view.dollars):
        yield words.money(view.dollars), "so far" if not view.state.ended else "cost"


def _strip(job: ShownJob) -> Markup:
    """Read from left to right, the newest frame last, as a film is."""
    shots = [
        div("shot", parts.picture(picture, job.view), span("no", str(picture.frame)))
        for picture in reversed(job.pictures)
    ]
    return div("strip", *shots) if shots else NOTHING


def _failures(job: ShownJob) -> Markup:
    if not job.failures:
        return NOTHING
    more = job.view.frames_failed - len(job.failures)
    lines = [element("li", element("b", f"frame {f.frame}"), f.reason) for f in job.failures]
    rest = [element("li", f"and {_count(more, 'frame')} more", class_="rest")] if more > 0 else []
    return element("ul", *lines, *rest, class_="why")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
