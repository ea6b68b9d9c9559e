"""Frame records and their counters: a frame and its count move in one transaction."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from contract.job import FrameRecord, FrameState, Job, Progress, timestamp
from contract.table import (
    FRAME_PREFIX,
    PARTITION_KEY,
    SORT_KEY,
    counter_key,
    frame_key,
    shard_of,
    shard_partition,
    shard_totals,
)

CONFLICT_TRIES = 10
"""Times a transaction that met another one is tried; the waits add up to about ten seconds."""


class FrameStore:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(
        self, dynamodb: Any, table_name: str, worker_id: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._worker_id = worker_id
        self._sleep = sleep

    def expect(self, job_id: str, frames: Sequence[int], shards: int) -> None:
        """Write how many frames each shard will count. Doing it twice is fine."""
        for shard, total in enumerate(shard_totals(frames, shards)):
            self._dynamodb.update_item(
                TableName=self._table,
                Key=counter_key(job_id, shard),
                UpdateExpression="SET #total = :total",
                ExpressionAttributeNames={"#total": "total"},
                ExpressionAttributeValues={":total": total},
            )

    def frame(self, job: Job, frame: int) -> FrameRecord | None:
        item = self._get(frame_key(job.job_id, job.shards, frame))
        return FrameRecord.from_item(item) if item else None

    def record_done(
        self, job: Job, frame: int, *, files: Sequence[str], seconds: float, blender_version: str
    ) -> bool:
        """Record a frame whose files are in the bucket, and count it. False when it was recorded before."""
        return self._end_frame(
            job,
            frame,
            FrameState.DONE,
            {
                "files": list(files),
                "seconds": Decimal(f"{seconds:.3f}"),
                "blender_version": blender_version,
                "reason": "",
            },
        )

    def record_failed(self, job: Job, frame: int, *, reason: str) -> bool:
        """Record that a frame cannot be rendered, and count it. False when it had ended before."""
        return self._end_frame(job, frame, FrameState.FAILED, {"reason": reason})

    def count_failed_attempt(self, job: Job, frame: int, *, reason: str) -> int:
        """Failed attempts at this frame, this one included; 0 when it has ended meanwhile."""
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=frame_key(job.job_id, job.shards, frame),
                UpdateExpression="SET #state = :waiting, frame = :frame, reason = :reason, worker = :worker"
                " ADD attempts :one",
                ConditionExpression="attribute_not_exists(#state) OR #state = :waiting",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":waiting": str(FrameState.WAITING),
                    ":frame": frame,
                    ":reason": reason,
                    ":worker": self._worker_id,
                    ":one": 1,
                },
                ReturnValues="UPDATED_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return 0
        return int(answer["Attributes"]["attempts"])

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
            for page in self._dynamodb.get_paginator("query").paginate(**query):
                for item in page["Items"]:
                    yield FrameRecord.from_item(item)

    def progress(self, job: Job) -> Progress:
        """The sum over all shards, each read consistently."""
        return sum((self._shard_progress(job, shard) for shard in range(job.shards)), Progress())

    def has_ended(self, job: Job, frames: Sequence[int]) -> bool:
        """Whether every frame of the job has ended, asked by whoever has just ended these.

        All shards are read only when the frames' own are complete: a frame costs one read.
        """
        own = {shard_of(frame, job.shards) for frame in frames}
        if not all(self._shard_progress(job, shard).complete for shard in own):
            return False
        return self.progress(job).complete

    def _shard_progress(self, job: Job, shard: int) -> Progress:
        return Progress.from_item(self._get(counter_key(job.job_id, shard)) or {})

    def _get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        item: dict[str, Any] | None = self._dynamodb.get_item(
            TableName=self._table, Key=key, ConsistentRead=True
        ).get("Item")
        return item

    def _end_frame(self, job: Job, frame: int, state: FrameState, attributes: Mapping[str, Any]) -> bool:
        """Move record and counter in one transaction, so that a frame never counts twice."""
        sets = ", ".join(f"#{name} = :{name}" for name in attributes)
        record = {
            "TableName": self._table,
            "Key": frame_key(job.job_id, job.shards, frame),
            "UpdateExpression": "SET #state = :state, frame = :frame, worker = :worker,"
            f" ended_at = :now, {sets}",
            "ConditionExpression": "attribute_not_exists(#state) OR #state = :waiting",
            "ExpressionAttributeNames": {"#state": "state", **{f"#{name}": name for name in attributes}},
            "ExpressionAttributeValues": {
                ":state": str(state),
                ":waiting": str(FrameState.WAITING),
                ":frame": frame,
                ":worker": self._worker_id,
                ":now": timestamp(datetime.now(UTC)),
                **{f":{name}": value for name, value in attributes.items()},
            },
        }
        counter = {
            "TableName": self._table,
            "Key": counter_key(job.job_id, shard_of(frame, job.shards)),
            "UpdateExpression": "ADD #count :one",
            "ExpressionAttributeNames": {"#count": "done" if state is FrameState.DONE else "failed"},
            "ExpressionAttributeValues": {":one": 1},
        }
        return self._transact([{"Update": record}, {"Update": counter}])

    def _transact(self, items: list[dict[str, Any]]) -> bool:
        """Run a transaction; False when a condition does not hold. Meeting another one is tried again."""
        for attempt in range(1, CONFLICT_TRIES + 1):
            try:
                self._dynamodb.transact_write_items(TransactItems=items)
                return True
            except self._dynamodb.exceptions.TransactionCanceledException as error:
                codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in codes:
                    return False
                if "TransactionConflict" not in codes or attempt == CONFLICT_TRIES:
                    raise
                self._sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))
        raise AssertionError("unreachable")
