"""What becomes of a task that was handed out a hundred times without an end: workers died of it silently.

It counts as a failed attempt and is sent again, as long as attempts are left; then it ends on the record.
Each write is done once however often the same message comes, and each send may be done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from contract.failures import FailureKind
from contract.frame_record import FailedAttempt
from contract.frames import parse_frames
from contract.job import Job, JobState, Progress, timestamp
from contract.job_writes import end_without_summary
from contract.next_step import Step, in_hand, next_step
from contract.options import JobOptions
from contract.routes import Route, route_of
from contract.tasks import BakeTask, FinishTask, RenderTask, Task, encode
from functions.settle_dead_letters.records import JobRecords

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

WORKERS_LOST: Final = (
    "workers took it again and again, and none lived to say what came of it: "
    "it may need more memory than they have; see the workers' logs"
)


class JobMovedError(RuntimeError):
    """A worker has written to the job meanwhile: the message is looked at anew when it comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    records: JobRecords
    sqs: SQSClient
    queue_urls: Mapping[Route, str]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def settle(self, task: Task, message_id: str) -> str:
        """Says what was done. Raises what AWS raises, and JobMovedError: then the message must come again."""
        job = self.records.job(task.job_id)
        if job is None:
            return "its job is unknown: nothing to do"
        if isinstance(task, RenderTask):
            return self._settle_frames(job, task, message_id)
        if in_hand(job, int(self.now().timestamp())):
            return "a worker has its job in hand: it was a copy"
        progress = self.records.progress(job)
        if next_step(job, progress) != task.kind:
            return f"its job is {job.state} and needs no {task.kind}"
        return self._settle_step(job, task, progress, message_id)

    def _settle_frames(self, job: Job, task: RenderTask, message_id: str) -> str:
        if job.state is not JobState.RENDERING:
            return f"its job is {job.state}: nothing to do"
        own = set(parse_frames(job.frames))
        again = []
        for frame in filter(own.__contains__, parse_frames(task.frames)):
            failure = FailedAttempt(
                token=f"dead letter {message_id}",
                kind=FailureKind.WORKER_LOST,
                reason=WORKERS_LOST,
                worker="",
                at=timestamp(self.now()),
            )
            attempts = self.records.count_failure(job, frame, failure)
            if attempts >= JobOptions.from_map(job.options).attempts:
                self.records.fail_frame(job, frame, reason=WORKERS_LOST, at=failure.at)
            elif attempts:
                again.append(frame)
        for frame in again:  # one by one: the frame that kills workers shall not take the others with it
            self._send(job, RenderTask(job.job_id, str(frame)))
        if again:
            return f"sent again: frames {again}"
        if self.records.progress(job).complete:
            self._send(job, FinishTask(job.job_id))
            return "its frames have ended, and with them all of the job: it can be summed up"
        return "its frames have ended"

    def _settle_step(self, job: Job, task: BakeTask | FinishTask, progress: Progress, message_id: str) -> str:
        name = f"{task.kind} {job.retries} "
        counted = self.records.count_dead_letter(job, name + message_id, bake=isinstance(task, BakeTask))
        lost = sum(known.startswith(name) for known in counted.dead_letters)
        attempts = counted.bake_attempts if isinstance(task, BakeTask) else lost
        if attempts < JobOptions.from_map(job.options).attempts:
            self._send(job, task)
            return f"sent again after {attempts} failed attempts"
        if next_step(job, progress) is Step.FINISH:
            state, reason = end_without_summary(progress)
            reason = f"{reason} ({WORKERS_LOST})"
        else:
            state, reason = JobState.FAILED, f"it could not be baked: {WORKERS_LOST}"
        if not self.records.end_job(job, state, reason, progress, at=timestamp(self.now())):
            raise JobMovedError(f"job {job.job_id} changed while it was being ended")
        return f"its job is {state}: {reason}"

    def _send(self, job: Job, task: Task) -> None:
        url = self.queue_urls[route_of(type(task), job.options)]
        self.sqs.send_message(QueueUrl=url, MessageBody=encode(task))
