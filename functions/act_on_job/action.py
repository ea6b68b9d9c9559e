"""One press of a button: checked, carried out, and told in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.job_buttons import ACTION_FIELD, JOB_FIELD
from contract.job_requests import JobRequest, JobRequests, RequestRefusedError
from contract.keys import JOB_ID

_SAID: Final[Mapping[JobRequest, str]] = {
    JobRequest.CANCEL: "is canceled: its workers let it go within 30 seconds, and what is rendered stays.",
    JobRequest.RETRY: "is queued again, for the frames that are not done.",
    JobRequest.RELEASE: "is queued, whatever the budget says.",
}


@dataclass(frozen=True, slots=True)
class Press:
    request: JobRequest
    job_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    done: bool
    said: str


def read_press(event: Mapping[str, Any]) -> Press | Outcome:
    """What was pressed, or why this is no press of a button of ours."""
    action, job_id = event.get(ACTION_FIELD), event.get(JOB_FIELD)
    if not isinstance(action, str) or action not in set(JobRequest):
        names = ", ".join(JobRequest)
        return Outcome(False, f"{ACTION_FIELD} is {repr(action)[:80]}: expected one of {names}")
    if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
        return Outcome(
            False, f"{JOB_FIELD} is {repr(job_id)[:80]}: expected lower-case letters, digits and dashes"
        )
    return Press(JobRequest(action), job_id)


def do_press(press: Press, requests: JobRequests, *, now: str) -> Outcome:
    try:
        job = requests.carry_out(press.request, press.job_id, now=now)
    except RequestRefusedError as error:
        return Outcome(False, f"{error.job.name if error.job else press.job_id} {error.why}")
    return Outcome(True, f"{job.name} {_SAID[press.request]}")
