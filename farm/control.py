"""What a person does to a job that is there: cancel it, have its failed and missing frames tried again, or
let it go on though the budget holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from contract.job import Job, timestamp
from contract.job_actions import (
    cancel_job,
    cancel_refusal,
    release_job,
    release_refusal,
    retry_job,
    retry_refusal,
)
from contract.tasks import BakeTask, encode
from farm.jobs import Farm
from farm.plain_errors import PlainError


class RefusedError(PlainError):
    """The job is not in a state for that; the message says what it is."""


def cancel(farm: Farm, job_id: str) -> Job:
    """Cancel a job; its agents let it go within 30 seconds. The record as it is then. Raises RefusedError."""
    request = cancel_job(table=farm.table.name, job_id=job_id, now=timestamp(datetime.now(UTC)))
    return _write(farm, job_id, "canceled", request, cancel_refusal)


def retry(farm: Farm, job_id: str) -> Job:
    """Queue an ended job again, for the frames that are not done. Raises RefusedError.

    A sender that dies between the record and the message leaves a queued job, which the farm's sweep
    sends again.
    """
    request = retry_job(table=farm.table.name, job_id=job_id, now=timestamp(datetime.now(UTC)))
    job = _write(farm, job_id, "retried", request, retry_refusal)
    _send_bake(farm, job_id)
    return job


def release(farm: Farm, job_id: str) -> Job:
    """Queue a job that the budget holds, whatever the budget says. Raises RefusedError. As for sending, see
    retry."""
    request = release_job(table=farm.table.name, job_id=job_id, now=timestamp(datetime.now(UTC)))
    job = _write(farm, job_id, "released", request, release_refusal)
    _send_bake(farm, job_id)
    return job


def _send_bake(farm: Farm, job_id: str) -> None:
    farm.sqs.send_message(QueueUrl=farm.bake_queue_url, MessageBody=encode(BakeTask(job_id)))


def _write(
    farm: Farm,
    job_id: str,
    done: str,
    request: Mapping[str, Any],
    refusal: Callable[[Job | None], str],
) -> Job:
    client: Any = farm.table.meta.client
    try:
        return Job.from_item(client.update_item(**request)["Attributes"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        why = refusal(farm.records.job(job_id)) or "it has just changed: try again"
        raise RefusedError(f"job {job_id} cannot be {done}: {why}") from error
