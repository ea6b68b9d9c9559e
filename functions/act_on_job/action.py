"""One press of a button: checked, written, and told in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from contract.job import Job
from contract.job_actions import (
    cancel_job,
    cancel_refusal,
    release_job,
    release_refusal,
    retry_job,
    retry_refusal,
)
from contract.job_buttons import ACTION_FIELD, JOB_FIELD, JobButton
from contract.keys import JOB_ID
from contract.record_reader import RecordReader
from contract.tasks import BakeTask, encode

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Press:
    button: JobButton
    job_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    done: bool
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deed:
    request: Callable[..., dict[str, Any]]
    refusal: Callable[[Job | None], str]
    participle: str
    said: str
    needs_bake: bool


_DEEDS: Final[Mapping[JobButton, _Deed]] = {
    JobButton.CANCEL: _Deed(
        request=cancel_job,
        refusal=cancel_refusal,
        participle="canceled",
        said="is canceled: its workers let it go within a frame, and what is rendered stays.",
        needs_bake=False,
    ),
    JobButton.RETRY: _Deed(
        request=retry_job,
        refusal=retry_refusal,
        participle="retried",
        said="is queued again, for the frames that are not done.",
        needs_bake=True,
    ),
    JobButton.RELEASE: _Deed(
        request=release_job,
        refusal=release_refusal,
        participle="released",
        said="is queued, whatever the budget says.",
        needs_bake=True,
    ),
}


def read_press(event: Mapping[str, Any]) -> Press | Outcome:
    """What was pressed, or why this is no press of a button of ours."""
    action, job_id = event.get(ACTION_FIELD), event.get(JOB_FIELD)
    if not isinstance(action, str) or action not in set(JobButton):
        names = ", ".join(JobButton)
        return Outcome(False, f"{ACTION_FIELD} is {repr(action)[:80]}: expected one of {names}")
    if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
        return Outcome(
            False, f"{JOB_FIELD} is {repr(job_id)[:80]}: expected lower-case letters, digits and dashes"
        )
    return Press(JobButton(action), job_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buttons:
    dynamodb: Any
    """A resource's client: it takes and gives Python values."""
    sqs: SQSClient
    table_name: str
    bake_queue_url: str
    now: Callable[[], str]

    def press(self, press: Press) -> Outcome:
        """Do it if the job is in a state for it. One that loses its bake task is swept up later."""
        deed = _DEEDS[press.button]
        try:
            written = self.dynamodb.update_item(
                **deed.request(table=self.table_name, job_id=press.job_id, now=self.now())
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            job = RecordReader(self.dynamodb, self.table_name).job(press.job_id)
            why = deed.refusal(job) or "it has just changed: try again"
            name = job.name if job else press.job_id
            return Outcome(False, f"{name} cannot be {deed.participle}: {why}")
        if deed.needs_bake:
            self.sqs.send_message(QueueUrl=self.bake_queue_url, MessageBody=encode(BakeTask(press.job_id)))
        return Outcome(True, f"{Job.from_item(written['Attributes']).name} {deed.said}")
