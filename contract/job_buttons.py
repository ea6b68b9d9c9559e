"""What a person may press beside a job: known to the page that draws buttons and the function behind them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contract.job import Job
from contract.job_actions import cancel_refusal, release_refusal, retry_refusal
from contract.keys import JOB_ID

ACTION_FIELD: Final = "action"
JOB_FIELD: Final = "job_id"


class JobButton(StrEnum):
    """The value is what is sent as ACTION_FIELD."""

    CANCEL = "cancel"
    RETRY = "retry"
    RELEASE = "release"


def buttons_of(job: Job) -> tuple[JobButton, ...]:
    """Those that would do something to a job as it is. None for an id that no farm of ours made."""
    if not JOB_ID.fullmatch(job.job_id):
        return ()
    refusals = {
        JobButton.RELEASE: release_refusal(job),
        JobButton.RETRY: retry_refusal(job),
        JobButton.CANCEL: cancel_refusal(job),
    }
    return tuple(button for button, refusal in refusals.items() if not refusal)
