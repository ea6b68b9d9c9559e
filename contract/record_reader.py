"""The records of the job table, read: the `farm` command and the Lambdas that show jobs ask in the same way.

No table is scanned: jobs are listed through their index, frames through their shards, workers through their
partitions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState, Progress
from contract.spend import Spend, month_of, over_budget, spend_key
from contract.table import (
    FRAME_PREFIX,
    INDEX_PARTITION_KEY,
    JOB_LISTING,
    JOBS_BY_CREATION,
    PARTITION_KEY,
    SORT_KEY,
    UNFINISHED,
    UNFINISHED_JOBS,
    counter_key,
    frame_key,
    job_key,
    shard_partition,
)
from contract.worker_record import STALE_SECONDS, WORKER_SHARDS, WorkerRecord, workers_partition

log = logging.getLogger(__name__)

BATCH: Final = 100
"""Keys that DynamoDB takes in one call."""
FIRST_WAIT_SECONDS: Final = 0.05
MAX_WAIT_SECONDS: Final = 1.0
READ_TRIES: Final = 12
"""Of what DynamoDB leaves over: they take eight seconds together."""
SUMMED_UP: Final = (JobState.DONE, JobState.DONE_WITH_FAILURES)
"""Jobs whose frames are counted on their record; of others only the counters know."""

T = TypeVar("T")


class RecordReader:
    """`dynamodb` is a resource's client: it takes and gives Python values. Raises what it raises, and OSError
    when records stay unread. Of several records one that makes no sense is logged and left out."""

    def __init__(
        self, dynamodb: Any, table_name: str, *, pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._pause = pause

    def job(self, job_id: str) -> Job | None:
        """The job's record, or None while the farm has not heard of it."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=job_key(job_id), ConsistentRead=True)
        return Job.from_item(answer["Item"]) if "Item" in answer else None

    def latest_jobs(self, limit: int | None = None) -> list[Job]:
        """The newest jobs, newest first; all of them without a limit."""
        return self._listed(JOBS_BY_CREATION, INDEX_PARTITION_KEY, limit)

    def unfinished_jobs(self, limit: int | None = None) -> list[Job]:
        """The newest jobs that have not ended, newest first; all of them without a limit."""
        return self._listed(UNFINISHED_JOBS, UNFINISHED, limit)

    def spend(self, month: str) -> Spend:
        """What the farm's machines cost in a month (contract.spend.month_of)."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=spend_key(month), ConsistentRead=True)
        return Spend.from_item(answer.get("Item"))

    def over_budget(self, now: datetime, budget_dollars: float | None) -> str:
        """Why the budget holds new work; empty when it does not, or there is none."""
        return over_budget(self.spend(month_of(now)), budget_dollars) if budget_dollars else ""

    def shards(self, jobs: Iterable[Job]) -> dict[str, list[Progress]]:
        """Each job's counters by the job's id, in the order of its shards."""
        jobs = list(jobs)
        found: dict[str, Progress] = {}
        for item in self._items([counter_key(job.job_id, n) for job in jobs for n in range(job.shards)]):
            found[str(item[PARTITION_KEY])] = Progress.from_item(item)
        return {
            job.job_id: [found.get(shard_partition(job.job_id, n), Progress()) for n in range(job.shards)]
            for job in jobs
        }

    def progress(self, jobs: Iterable[Job]) -> dict[str, Progress]:
        """Each job's progress by the job's id; the counters are read of those alone that need it."""
        jobs = list(jobs)
        counted = self.shards(job for job in jobs if job.state not in SUMMED_UP)
        return {
            job.job_id: sum(counted[job.job_id], Progress())
            if job.job_id in counted
            else Progress(total=job.frame_count, done=job.frames_done, failed=job.frames_failed)
            for job in jobs
        }

    def frames(
        self, job_id: str, shards: Sequence[int], state: FrameState | None = None
    ) -> Iterator[FrameRecord]:
        """The frames recorded so far in these shards, all or those in one state."""
        of_state: dict[str, Any] = {}
        if state:
            of_state = {
                "FilterExpression": "#state = :state",
                "ExpressionAttributeNames": {"#state": "state"},
            }
        for shard in shards:
            items = self._query(
                KeyConditionExpression=f"{PARTITION_KEY} = :shard AND begins_with({SORT_KEY}, :prefix)",
                ExpressionAttributeValues={
                    ":shard": shard_partition(job_id, shard),
                    ":prefix": FRAME_PREFIX,
                    **({":state": str(state)} if state else {}),
                },
                ConsistentRead=True,
                **of_state,
            )
            yield from _readable(items, FrameRecord.from_item)

    def frame(self, job: Job, frame: int) -> FrameRecord | None:
        """The frame's record, or None while nobody has tried it."""
        key = frame_key(job.job_id, job.shards, frame)
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return FrameRecord.from_item(answer["Item"]) if "Item" in answer else None

    def latest_frames(self, job: Job, count: int) -> list[FrameRecord]:
        """The frames that were done last, the newest first.

        Of a job of many shards those that its counters name, of another one its frames are asked.
        """
        if job.shards >= count:
            shards = self.shards([job])[job.job_id]
            last = sorted(
                ((shard.last_frame_at, shard.last_frame) for shard in shards if shard.last_frame is not None),
                reverse=True,
            )
            keys = [frame_key(job.job_id, job.shards, frame) for _, frame in last[:count]]
            records = _readable(self._items(keys), FrameRecord.from_item)
        else:
            records = self.frames(job.job_id, range(job.shards))
        done = [record for record in records if record.state is FrameState.DONE]
        return sorted(done, key=lambda record: (record.ended_at, record.frame), reverse=True)[:count]

    def workers(self, now: int) -> list[WorkerRecord]:
        """What the workers said of themselves lately; `now` in epoch seconds."""
        items = (
            item
            for shard in range(WORKER_SHARDS)
            for item in self._query(
                KeyConditionExpression=f"{PARTITION_KEY} = :shard",
                FilterExpression="seen_at >= :fresh",
                ExpressionAttributeValues={
                    ":shard": workers_partition(shard),
                    ":fresh": now - STALE_SECONDS,
                },
            )
        )
        return list(_readable(items, WorkerRecord.from_item))

    def _listed(self, index: str, attribute: str, limit: int | None) -> list[Job]:
        items = self._query(
            IndexName=index,
            KeyConditionExpression=f"{attribute} = :listing",
            ExpressionAttributeValues={":listing": JOB_LISTING},
            ScanIndexForward=False,
            **({} if limit is None else {"Limit": limit}),
        )
        return list(islice(_readable(items, Job.from_item), limit))

    def _items(self, keys: list[dict[str, str]]) -> Iterator[Mapping[str, Any]]:
        for first in range(0, len(keys), BATCH):
            wanted: Any = {self._table: {"Keys": keys[first : first + BATCH], "ConsistentRead": True}}
            for wait_seconds in _waits():
                answer = self._dynamodb.batch_get_item(RequestItems=wanted)
                yield from answer["Responses"].get(self._table, [])
                wanted = answer.get("UnprocessedKeys")
                if not wanted:
                    break
                self._pause(wait_seconds)
            else:
                raise OSError(f"{len(wanted[self._table]['Keys'])} records of {self._table} stayed unread")

    def _query(self, **query: Any) -> Iterator[Mapping[str, Any]]:
        while True:
            page = self._dynamodb.query(TableName=self._table, **query)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _waits() -> Iterator[float]:
    """Seconds before a table that is asked for too much is asked again: no client does this by itself."""
    for doubled in range(READ_TRIES):
        yield min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**doubled)


def _readable(items: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    for item in items:
        try:
            yield read(item)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            log.exception("left out a record that makes no sense: %.300r", item)
