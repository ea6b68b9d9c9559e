"""What a person asks of a job, carried out: for the `farm` command and the dashboard's buttons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from contract.job import Job
from contract.job_actions import (
    cancel_job,
    cancel_refusal,
    release_job,
    release_refusal,
    retry_job,
    retry_refusal,
)
from contract.record_reader import RecordReader
from contract.tasks import BakeTask, encode


class JobRequest(StrEnum):
    CANCEL = "cancel"
    RETRY = "retry"
    RELEASE = "release"

    def refusal(self, job: Job | None) -> str:
        """Why a job as it is cannot have it; empty when it can."""
        return _KINDS[self].refusal(job)


class RequestRefusedError(ValueError):
    """The job is not in a state for that."""

    def __init__(self, job_id: str, job: Job | None, why: str) -> None:
        """`why`: as in "cannot be canceled: it has ended already"; `job` as it is, if there is one."""
        super().__init__(f"job {job_id} {why}")
        self.job = job
        self.why = why


@dataclass(frozen=True, slots=True)
class _Kind:
    update: Callable[..., dict[str, Any]]
    refusal: Callable[[Job | None], str]
    participle: str
    needs_bake: bool
    """Its bake task follows the record."""


_KINDS: Final[Mapping[JobRequest, _Kind]] = {
    JobRequest.CANCEL: _Kind(cancel_job, cancel_refusal, "canceled", needs_bake=False),
    JobRequest.RETRY: _Kind(retry_job, retry_refusal, "retried", needs_bake=True),
    JobRequest.RELEASE: _Kind(release_job, release_refusal, "released", needs_bake=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequests:
    dynamodb: Any
    """A resource's client: it takes and gives Python values."""
    sqs: Any
    table_name: str
    bake_queue_url: str

    def carry_out(self, request: JobRequest, job_id: str, *, now: str) -> Job:
        """The job's record as it is then. Raises RequestRefusedError and what AWS raises.

        A sender that dies between the record and the message leaves a queued job, which the farm's sweep
        sends again.
        """
        kind = _KINDS[request]
        update = kind.update(table=self.table_name, job_id=job_id, now=now)
        try:
            written = self.dynamodb.update_item(**update)
        except self.dynamodb.exceptions.ConditionalCheckFailedException as error:
            job = RecordReader(self.dynamodb, self.table_name).job(job_id)
            why = kind.refusal(job) or "it has just changed: try again"
            raise RequestRefusedError(job_id, job, f"cannot be {kind.participle}: {why}") from error
        if kind.needs_bake:
            self.sqs.send_message(QueueUrl=self.bake_queue_url, MessageBody=encode(BakeTask(job_id)))
        return Job.from_item(written["Attributes"])
