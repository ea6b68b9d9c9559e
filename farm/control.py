"""What a person does to a job that is there: cancel it, have its failed and missing frames tried again, or
let it go on though the budget holds it."""

from __future__ import annotations

from datetime import UTC, datetime

from contract.job import Job, timestamp
from contract.job_requests import JobRequest, JobRequests, RequestRefusedError
from farm.jobs import Farm
from farm.plain_errors import PlainError


class RefusedError(PlainError):
    """The job is not in a state for that; the message says what it is."""


def cancel(farm: Farm, job_id: str) -> Job:
    """Cancel a job; its agents let it go within 30 seconds. The record as it is then. Raises RefusedError."""
    return _ask(farm, JobRequest.CANCEL, job_id)


def retry(farm: Farm, job_id: str) -> Job:
    """Queue an ended job again, for the frames that are not done. Raises RefusedError."""
    return _ask(farm, JobRequest.RETRY, job_id)


def release(farm: Farm, job_id: str) -> Job:
    """Queue a job that the budget holds, whatever the budget says. Raises RefusedError."""
    return _ask(farm, JobRequest.RELEASE, job_id)


def _ask(farm: Farm, request: JobRequest, job_id: str) -> Job:
    requests = JobRequests(
        dynamodb=farm.table.meta.client,
        sqs=farm.sqs,
        table_name=farm.table.name,
        bake_queue_url=farm.bake_queue_url,
    )
    try:
        return requests.carry_out(request, job_id, now=timestamp(datetime.now(UTC)))
    except RequestRefusedError as error:
        raise RefusedError(str(error)) from error
