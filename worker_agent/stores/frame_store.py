"""Frame records and their counters, written: a frame and its count move in one transaction."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from contract import frame_writes
from contract.devices import Device
from contract.frame_record import FailedAttempt, FrameRecord
from contract.job import FrameState, Job, timestamp
from contract.stored_part import FrameParts
from contract.table import (
    counter_key,
    shard_of,
    shard_totals,
)
from worker_agent.services.patience import patiently
from worker_agent.services.transient import cancellations
from worker_agent.stores.frame_reader import FrameReader

CONFLICT_TRIES = 15
"""Times a write that met a transaction is tried; the waits add up to 20 s or so.

When 200 workers end frames of one job at the same instant, a write is tried 8 times at most, with 1,000
workers 10 times (as modelled in tests/faults/meeting_transactions.py)."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 4.0
"""Between tries, at most: each wait is drawn from none to that, and the most of it doubles each time."""
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


class FrameStore(FrameReader):
    """What one worker reads and writes of frames."""

    def __init__(
        self, dynamodb: Any, table_name: str, worker_id: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(dynamodb, table_name, sleep)
        self.worker_id = worker_id

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
