"""What the table knows of a given-up task's job, and the writes that settle it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from contract import frame_writes
from contract.frame_record import FailedAttempt, FrameRecord
from contract.job import FrameState, Job, JobState, Progress
from contract.job_writes import end_job
from contract.table import PARTITION_KEY, counter_key, frame_key, job_key

TRIES: Final = 8
"""Times a write that met another one is tried; the waits add up to some seconds."""


class JobRecords:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(self, dynamodb: Any, table_name: str, sleep: Callable[[float], object] = time.sleep) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._sleep = sleep

    def job(self, job_id: str) -> Job | None:
        item = self._get(job_key(job_id))
        return Job.from_item(item) if item else None

    def progress(self, job: Job) -> Progress:
        """The sum over all shards, each read consistently."""
        counters = (self._get(counter_key(job.job_id, shard)) for shard in range(job.shards))
        return sum((Progress.from_item(item or {}) for item in counters), Progress())

    def count_failure(self, job: Job, frame: int, failure: FailedAttempt) -> int:
        """Failed attempts of a frame, this one included, counted once however often it is written.

        0 when the frame has ended.
        """
        for _ in range(TRIES):
            item = self._get(frame_key(job.job_id, job.shards, frame))
            record = FrameRecord.from_item(item) if item else None
            if record and record.ended:
                return 0
            failures = record.failures if record else ()
            if any(known.token == failure.token for known in failures):
                return len(failures)
            update = frame_writes.add_failure(**self._of(job, frame), known=len(failures), failure=failure)
            if self._write(partial(self._dynamodb.update_item, **update)):
                return len(failures) + 1
        raise OSError(
            f"frame {frame} of job {job.job_id} changed {TRIES} times while its failure was written"
        )

    def fail_frame(self, job: Job, frame: int, *, reason: str, at: str) -> bool:
        """Give a frame up, and count it. False when it had ended before."""
        items = frame_writes.end_frame(
            **self._of(job, frame),
            state=FrameState.FAILED,
            attributes={"reason": reason, "worker": "", "ended_at": at},
        )
        return self._write(partial(self._dynamodb.transact_write_items, TransactItems=items))

    def count_dead_letter(self, job: Job, name: str, *, bake: bool) -> Job:
        """Note a dead task on its job, once however often it is noted. Returns the job as it is then."""
        update = {
            "TableName": self._table,
            "Key": job_key(job.job_id),
            "UpdateExpression": "SET dead_letters = list_append(if_not_exists(dead_letters, :none), :names)"
            + (" ADD bake_attempts :one" if bake else ""),
            "ConditionExpression": f"attribute_exists({PARTITION_KEY}) AND NOT contains(dead_letters, :name)",
            "ExpressionAttributeValues": {
                ":none": [],
                ":names": [name],
                ":name": name,
                **({":one": 1} if bake else {}),
            },
        }
        self._write(partial(self._dynamodb.update_item, **update))
        return self.job(job.job_id) or job

    def end_job(self, job: Job, state: JobState, reason: str, progress: Progress, *, at: str) -> bool:
        """False when a worker has written to the job since it was read."""
        update = end_job(table=self._table, job=job, state=state, reason=reason, progress=progress, at=at)
        return self._write(partial(self._dynamodb.update_item, **update))

    def _get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        item: dict[str, Any] | None = self._dynamodb.get_item(
            TableName=self._table, Key=key, ConsistentRead=True
        ).get("Item")
        return item

    def _of(self, job: Job, frame: int) -> dict[str, Any]:
        return {"table": self._table, "job_id": job.job_id, "shards": job.shards, "frame": frame}

    def _write(self, write: Callable[[], object]) -> bool:
        """False when a condition does not hold. A write that meets another one is tried again."""
        raised = self._dynamodb.exceptions
        for attempt in range(1, TRIES + 1):
            try:
                write()
                return True
            except raised.ConditionalCheckFailedException:
                return False
            except raised.TransactionConflictException:
                if attempt == TRIES:
                    raise
            except raised.TransactionCanceledException as error:
                codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in codes:
                    return False
                if "TransactionConflict" not in codes or attempt == TRIES:
                    raise
            self._sleep(random.uniform(0, min(1.0, 0.05 * 2**attempt)))
        raise AssertionError("unreachable")
