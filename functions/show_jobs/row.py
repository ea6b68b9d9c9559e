"""A job on one line."""

from __future__ import annotations

from datetime import datetime

from functions.show_jobs import parts, words
from functions.show_jobs.board import ShownJob
from functions.show_jobs.markup import Markup, div


def row(job: ShownJob, *, function_arn: str, now: datetime) -> Markup:
    view = job.view
    said = words.note(view) or "".join(f"frame {f.frame}: {f.reason}" for f in job.failures[:1])
    when = words.ago(view.updated_at or view.created_at, now)
    return div(
        f"row {view.state.lower()}",
        div("poster", *(parts.picture(p, view) for p in job.pictures[:1])),
        div("title", parts.name(view), div("sub", view.project, title=view.job_id)),
        div("said", parts.state(view), div("note", said, title=said or None)),
        div("num", _frames(job)),
        div("num money", words.money(view.dollars)),
        div("num ago", when, title=view.updated_at or view.created_at),
        parts.buttons(job, function_arn),
        data_job=view.job_id,
    )


def _frames(job: ShownJob) -> str:
    view = job.view
    if not view.frames:
        return ""
    if view.frames_done == view.frames:
        return f"{view.frames} frames"
    return f"{view.frames_done} of {view.frames} frames"
