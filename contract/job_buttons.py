"""What a person may press beside a job: known to the page that draws buttons and the function behind them."""

from __future__ import annotations

from typing import Final

from contract.job import Job
from contract.job_requests import JobRequest
from contract.keys import JOB_ID

ACTION_FIELD: Final = "action"
"""Has a JobRequest."""
JOB_FIELD: Final = "job_id"


def buttons_of(job: Job) -> tuple[JobRequest, ...]:
    """Those that would do something to a job as it is. None for an id that no farm of ours made."""
    if not JOB_ID.fullmatch(job.job_id):
        return ()
    shown = (JobRequest.RELEASE, JobRequest.RETRY, JobRequest.CANCEL)
    return tuple(request for request in shown if not request.refusal(job))
