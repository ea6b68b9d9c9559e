"""Frame records and their counters: a frame and its count move in one transaction."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from contract import frame_writes
from contract.devices import Device
from contract.frame_record import FailedAttempt, FrameRecord
from contract.job import FrameState, Job, Progress, timestamp
from contract.stored_part import FrameParts
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
from worker_agent.patience import patiently
from worker_agent.transient import cancellations

CONFLICT_TRIES = 15
"""Times a write that met a transaction is tried; the waits add up to 20 s or so.

When 200 workers end frames of one job at the same instant, a write is tried 8 times at most, with 1,000
workers 10 times (as modelled in tests/faults/meeting_transactions.py)."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 4.0
"""Between tries, at most: each wait is drawn from none to that, and the most of it doubles each time."""
_MOST_KEYS = 100
"""DynamoDB reads no more in one call."""
_CONDITIONS = {"ConditionalCheckFailed", "ConditionalCheckFailedException"}
_CONFLICTS = {"TransactionConflict", "TransactionConflictException"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneFrame:
    """What is recorded of a frame whose files are in the bucket."""

    frame: int
    files: tuple[str, ...]
    """Relative to the job's frames."""
    seconds: float
    blender_version: str
    device: str = Device.CPU
    parts: FrameParts = field(default_factory=FrameParts)

    def to_map(self) -> dict[str, Any]:
        """Attributes of its item."""
        return {
            "files": list(self.files),
            "seconds": Decimal(f"{self.seconds:.3f}"),
            "blender_version": self.blender_version,
            "device": self.device,
            "reason": "",
            **self.parts.to_map(),
        }


class FrameStore:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(
        self, dynamodb: Any, table_name: str, worker_id: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self.worker_id = worker_id
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

    def ended(self, job: Job, frames: Sequence[int]) -> frozenset[int]:
        """Those of the frames that are done or given up."""
        items = self.read([frame_key(job.job_id, job.shards, frame) for frame in frames])
        records = map(FrameRecord.from_item, items)
        return frozenset(record.frame for record in records if record.ended)

    def record_done(self, job: Job, done: Sequence[DoneFrame], *, sessions: int = 1) -> frozenset[int]:
        """Record frames whose files are in the bucket, and count them. Those not recorded before.

        `sessions` rendered at once on this worker. Those of one shard are recorded together, unless one of
        them had ended before.
        """
        of_shards: defaultdict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
        for one in done:
            of_shards[shard_of(one.frame, job.shards)][one.frame] = one.to_map()
        recorded: set[int] = set()
        for frames in of_shards.values():
            if self._end_frames(job, FrameState.DONE, frames, sessions):
                recorded.update(frames)
            elif len(frames) > 1:
                recorded.update(
                    frame
                    for frame, attributes in frames.items()
                    if self._end_frames(job, FrameState.DONE, {frame: attributes}, sessions)
                )
        return frozenset(recorded)

    def record_failed(self, job: Job, frame: int, *, reason: str) -> bool:
        """Record that a frame cannot be rendered, and count it. False when it had ended before."""
        return self._end_frames(job, FrameState.FAILED, {frame: {"reason": reason}})

    def add_failure(self, job: Job, frame: int, failure: FailedAttempt) -> int:
        """Record a failed attempt, once however often it is written.

        Returns the failed attempts there are, this one included; 0 when the frame has ended meanwhile.
        """
        while True:
            record = self.frame(job, frame)
            if record and record.ended:
                return 0
            failures = record.failures if record else ()
            if any(known.token == failure.token for known in failures):
                return len(failures)
            update = frame_writes.add_failure(**self._of(job, frame), known=len(failures), failure=failure)
            if self._update(update):
                return len(failures) + 1

    def add_interruption(self, job: Job, frame: int) -> None:
        """Note that the frame was given back by a worker that had to go."""
        self._update(frame_writes.add_interruption(**self._of(job, frame)))

    def reopen(self, job: Job, record: FrameRecord, *, bake_token: str) -> bool:
        """Make a frame that is not done wait with no failure behind it.

        False when it is not as `record` says any more, or the job has another baker.
        """
        return self._transact(
            frame_writes.reopen_frame(**self._of(job, record.frame), was=record.state, bake_token=bake_token)
        )

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

        All shards are read only when the frames' own are complete: a frame costs one read.
        """
        own = {shard_of(frame, job.shards) for frame in frames}
        if not all(progress.complete for progress in self._progress_of(job, sorted(own))):
            return False
        return self.progress(job).complete

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
                self._sleep(random.uniform(0, LONGEST_WAIT_SECONDS))  # the table is busy
            waiting = [*unread, *waiting[_MOST_KEYS:]]
        return found

    def _get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        item: dict[str, Any] | None = self._dynamodb.get_item(
            TableName=self._table, Key=key, ConsistentRead=True
        ).get("Item")
        return item

    def _end_frames(
        self, job: Job, state: FrameState, frames: Mapping[int, Mapping[str, Any]], sessions: int = 1
    ) -> bool:
        """Frames of one shard, all or none."""
        ended = {"worker": self.worker_id, "ended_at": timestamp(datetime.now(UTC))}
        items = frame_writes.end_frames(
            table=self._table,
            job_id=job.job_id,
            shards=job.shards,
            state=state,
            frames={frame: {**attributes, **ended} for frame, attributes in frames.items()},
            sessions=sessions,
        )
        return self._transact(items)

    def _of(self, job: Job, frame: int) -> dict[str, Any]:
        return {"table": self._table, "job_id": job.job_id, "shards": job.shards, "frame": frame}

    def _update(self, update: Mapping[str, Any]) -> bool:
        return self._write(lambda: self._dynamodb.update_item(**update))

    def _transact(self, items: list[dict[str, Any]]) -> bool:
        return self._write(lambda: self._dynamodb.transact_write_items(TransactItems=items))

    def _write(self, write: Callable[[], object]) -> bool:
        """False when a condition does not hold. What meets a transaction is tried again: a few
        quick times here, and then as patiently as a service that is in trouble."""
        return patiently(lambda: self._write_quickly(write), "a write of a frame's record")

    def _write_quickly(self, write: Callable[[], object]) -> bool:
        for attempt in range(1, CONFLICT_TRIES + 1):
            try:
                write()
                return True
            except ClientError as error:
                codes = {error.response["Error"]["Code"], *cancellations(error)}
                if codes & _CONDITIONS:
                    return False
                if not codes & _CONFLICTS or attempt == CONFLICT_TRIES:
                    raise
                longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
                self._sleep(random.uniform(0, longest))
        raise AssertionError("unreachable")
