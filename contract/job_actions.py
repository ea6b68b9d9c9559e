"""What a person may ask of a job that is there, as writes that DynamoDB takes: to cancel it, to retry it, to
release it from the budget's hold.

Whoever runs them (the `farm` command, a dashboard's button) asks for the refusal's words when a condition
does not hold, and sends the job's bake task after a retry and after a release. Values are plain Python, as
a resource's client takes them.
"""

from __future__ import annotations

from typing import Any, Final

from contract.job import Job, JobState
from contract.job_writes import set_attributes
from contract.table import job_key

CANCELABLE: Final = (JobState.QUEUED, JobState.BAKING, JobState.RENDERING, JobState.HELD)
"""FINISHING is none: its frames have all ended, and nothing is saved by stopping it."""
RETRYABLE: Final = (JobState.DONE_WITH_FAILURES, JobState.FAILED, JobState.CANCELED)

_NOT_ACCEPTED = "#state = :failed AND bake_token = :none AND task_sent_at = :none"
"""The listener refused the upload: what was asked of it was never recorded, so it cannot be rendered."""


def cancel_job(*, table: str, job_id: str, now: str) -> dict[str, Any]:
    """An update that cancels a job which has not ended. Its agents see it before long and let it go."""
    return _update(
        table,
        job_id,
        {"state": JobState.CANCELED, "reason": "canceled on request", "updated_at": now},
        condition=_one_of(CANCELABLE),
        values=_named(CANCELABLE),
    )


def cancel_refusal(job: Job | None) -> str:
    """Why a job as it is cannot be canceled; empty when it can."""
    if job is None:
        return "there is no such job"
    if job.state.ended:
        return f"it has ended already: {job.state}"
    if job.state not in CANCELABLE:
        return "every frame of it has ended: it is being summed up"
    return ""


def retry_job(*, table: str, job_id: str, now: str) -> dict[str, Any]:
    """An update that queues an ended job again, for the frames that are not done.

    A bake task has to follow it. What is baked and what is done stays; what was counted against the job
    is forgotten. Of a DONE job only one with missing frames is taken.
    """
    attributes = {
        "state": JobState.QUEUED,
        "reason": "",
        "updated_at": now,
        "task_sent_at": now,
        "bake_attempts": 0,
        "runtime_failures": 0,
        "bake_progress": {},
        "frames_sent_at": "",
        "frames_done": 0,
        "frames_failed": 0,
        "finish_token": "",
        "finish_message": "",
        "finish_lease_until": 0,
        "sweep": {},
    }
    return _update(
        table,
        job_id,
        attributes,
        condition=f"({_one_of(RETRYABLE)} OR (#state = :done AND frames_done < frame_count))"
        f" AND NOT ({_NOT_ACCEPTED})",
        values={**_named(RETRYABLE), ":done": str(JobState.DONE), ":none": ""},
        add={"retries": 1},
    )


def retry_refusal(job: Job | None) -> str:
    """Why a job as it is cannot be retried; empty when it can."""
    if job is None:
        return "there is no such job"
    if not job.state.ended:
        return f"it has not ended: it is {job.state}"
    if job.state is JobState.FAILED and not job.bake_token and not job.task_sent_at:
        return f"it was refused as it was uploaded ({job.reason}): upload it again"
    if job.state is JobState.DONE and job.frames_done >= job.frame_count:
        return "every frame of it is done: there is nothing to retry"
    return ""


def release_job(*, table: str, job_id: str, now: str) -> dict[str, Any]:
    """An update that queues a job which the budget holds, whatever the budget says. A bake task has to
    follow it.
    """
    attributes = {"state": JobState.QUEUED, "reason": "", "updated_at": now, "task_sent_at": now}
    held = (JobState.HELD,)
    return _update(table, job_id, attributes, condition=_one_of(held), values=_named(held))


def release_refusal(job: Job | None) -> str:
    """Why a job as it is cannot be released; empty when it can."""
    if job is None:
        return "there is no such job"
    if job.state is not JobState.HELD:
        return f"no budget holds it: it is {job.state}"
    return ""


def _update(
    table: str,
    job_id: str,
    attributes: dict[str, Any],
    *,
    condition: str,
    values: dict[str, Any],
    add: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Sets and adds attributes of a job if the condition holds; answers with the whole new record."""
    update = set_attributes(attributes, add=add)
    return {
        **update,
        "TableName": table,
        "Key": job_key(job_id),
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {**update["ExpressionAttributeValues"], **values},
        "ReturnValues": "ALL_NEW",
    }


def _one_of(states: tuple[JobState, ...]) -> str:
    return f"#state IN ({', '.join(_named(states))})"


def _named(states: tuple[JobState, ...]) -> dict[str, str]:
    """The states as values of an expression."""
    return {f":{state.lower()}": str(state) for state in states}
