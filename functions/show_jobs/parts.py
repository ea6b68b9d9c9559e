"""What a card and a row have in common."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from contract.job_buttons import ACTION_FIELD, JOB_FIELD
from contract.job_requests import JobRequest
from contract.job_view import JobView
from functions.show_jobs.board import Picture, ShownJob
from functions.show_jobs.markup import NOTHING, Markup, div, element, join, span
from functions.show_jobs.words import short_state

_LABELS: Final[Mapping[JobRequest, str]] = {
    JobRequest.CANCEL: "Cancel",
    JobRequest.RETRY: "Retry",
    JobRequest.RELEASE: "Release",
}
_QUESTIONS: Final[Mapping[JobRequest, str]] = {
    JobRequest.CANCEL: "Cancel {}? Its frames stop. What is rendered stays.",
    JobRequest.RETRY: "Retry {}? The frames that are not done are rendered again.",
    JobRequest.RELEASE: "Release {}? It renders though the month's budget is spent.",
}


def state(view: JobView) -> Markup:
    return div("state", short_state(view))


def name(view: JobView) -> Markup:
    urgent = span("urgent", "high") if view.priority == "high" else NOTHING
    return div("name", view.name, urgent, title=view.name)


def picture(shown: Picture, view: JobView) -> Markup:
    source = f"data:image/jpeg;base64,{b64encode(shown.jpeg).decode()}"
    return element("img", src=source, alt=f"{view.name}, frame {shown.frame}")


def buttons(job: ShownJob, function_arn: str) -> Markup:
    return div("act", *(_button(button, job.view, function_arn) for button in job.buttons))


def _button(button: JobRequest, view: JobView, function_arn: str) -> Markup:
    """The console runs the action of the element that follows the one which is pressed."""
    look = "btn stop" if button is JobRequest.CANCEL else "btn"
    return join(
        (
            element("a", _LABELS[button], class_=look, role="button", tabindex="0"),
            element(
                "cwdb-action",
                json.dumps({ACTION_FIELD: button, JOB_FIELD: view.job_id}),
                action="call",
                display="popup",
                endpoint=function_arn,
                confirmation=_QUESTIONS[button].format(view.name),
            ),
        )
    )
