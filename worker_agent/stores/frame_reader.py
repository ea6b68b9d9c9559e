"""Frame records and their counters, read: what has ended, what frames took, whether a job is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from contract.frame_record import FrameRecord
from contract.job import Job, Progress
from contract.table import (
    FRAME_PREFIX,
    PARTITION_KEY,
    SORT_KEY,
    counter_key,
    frame_key,
    shard_of,
    shard_partition,
)

_SHARDS_AT_A_TIME = 8
"""Counters that are read in one call to see whether a job has ended: all 64 would be read 64 times, as one
shard after the other becomes complete."""
_MOST_KEYS = 100
"""DynamoDB reads no more in one call."""
LONGEST_READ_WAIT_SECONDS = 4.0
"""Before a busy table is asked again, at most."""


class FrameReader:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(self, dynamodb: Any, table_name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._sleep = sleep

    def frame(self, job: Job, frame: int) -> FrameRecord | None:
        item = self._get(frame_key(job.job_id, job.shards, frame))
        return FrameRecord.from_item(item) if item else None

    def ended(self, job: Job, frames: Sequence[int]) -> frozenset[int]:
        """Those of the frames that are done or given up."""
        items = self.read([frame_key(job.job_id, job.shards, frame) for frame in frames])
        records = map(FrameRecord.from_item, items)
        return frozenset(record.frame for record in records if record.ended)

    def frames(self, job: Job) -> Iterator[FrameRecord]:
        """Every frame that was tried, shard by shard."""
        for shard in range(job.shards):
            query = {
                "TableName": self._table,
                "KeyConditionExpression": f"{PARTITION_KEY} = :pk AND begins_with({SORT_KEY}, :prefix)",
                "ExpressionAttributeValues": {
                    ":pk": shard_partition(job.job_id, shard),
                    ":prefix": FRAME_PREFIX,
                },
                "ConsistentRead": True,
            }
            while True:  # a paginator would call the service behind a patient client's back
                page = self._dynamodb.query(**query)
                yield from (FrameRecord.from_item(item) for item in page["Items"])
                if "LastEvaluatedKey" not in page:
                    break
                query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def sample_seconds(self, job: Job, shard: int, limit: int) -> list[float]:
        """What done frames of one shard took; some of them, and not the very newest."""
        page = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression=f"{PARTITION_KEY} = :pk AND begins_with({SORT_KEY}, :prefix)",
            ExpressionAttributeValues={
                ":pk": shard_partition(job.job_id, shard),
                ":prefix": FRAME_PREFIX,
            },
            ProjectionExpression="seconds",
            Limit=limit,
        )
        return [float(item["seconds"]) for item in page["Items"] if "seconds" in item]

    def progress(self, job: Job) -> Progress:
        """The sum over all shards, each read consistently."""
        return sum(self._progress_of(job, range(job.shards)), Progress())

    def has_ended(self, job: Job, frames: Sequence[int]) -> bool:
        """Whether every frame of the job has ended, asked by whoever has just ended these.

        Others are read only when the frames' own shards are complete: a frame costs one read. They are read
        some at a time until one is not complete: whoever ends its last frame asks again.
        """
        own = {shard_of(frame, job.shards) for frame in frames}
        if not all(progress.complete for progress in self._progress_of(job, sorted(own))):
            return False
        found = Progress()
        for first in range(0, job.shards, _SHARDS_AT_A_TIME):
            some = self._progress_of(job, range(job.shards)[first : first + _SHARDS_AT_A_TIME])
            if any(progress.done + progress.failed < progress.total for progress in some):
                return False
            found = sum(some, found)
        return found.complete

    def _progress_of(self, job: Job, shards: Sequence[int]) -> list[Progress]:
        items = self.read([counter_key(job.job_id, shard) for shard in shards])
        found = [Progress.from_item(item) for item in items]
        return [*found, *[Progress()] * (len(shards) - len(found))]

    def read(self, keys: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        """What there is of these items, in any order, each read consistently."""
        if len(keys) == 1:
            item = self._get(keys[0])
            return [item] if item else []
        found: list[dict[str, Any]] = []
        waiting = list(keys)
        while waiting:
            answer = self._dynamodb.batch_get_item(
                RequestItems={self._table: {"Keys": waiting[:_MOST_KEYS], "ConsistentRead": True}}
            )
            found += answer["Responses"].get(self._table, [])
            unread = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if len(unread) == len(waiting[:_MOST_KEYS]):
                self._sleep(random.uniform(0, LONGEST_READ_WAIT_SECONDS))  # the table is busy
            waiting = [*unread, *waiting[_MOST_KEYS:]]
        return found

    def _get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        item: dict[str, Any] | None = self._dynamodb.get_item(
            TableName=self._table, Key=key, ConsistentRead=True
        ).get("Item")
        return item
