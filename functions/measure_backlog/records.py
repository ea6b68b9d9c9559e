"""The job table as the measure uses it: jobs that have not ended, their counters, and what workers say.

Eventually consistent reads do: the next minute measures anew. A record that makes no sense is logged and
left out, for it shall not keep the whole fleet from all others.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

from contract.boot import FailedBoots, boot_key, count_boot, fleet_version_key
from contract.fleet_version import FleetVersion
from contract.job import JobState, Progress
from contract.record_reader import RecordReader
from contract.spend import Spend, add_spend
from contract.table import (
    JOB_LISTING,
    PARTITION_KEY,
    UNFINISHED,
    UNFINISHED_JOBS,
    counter_key,
    job_key,
    shard_partition,
    standstill_key,
)
from contract.worker_record import STALE_SECONDS, WORKER_SHARDS, WorkerRecord, workers_partition

log = logging.getLogger(__name__)

BATCH: Final = 100
"""Keys that DynamoDB takes in one call."""
READ_TRIES: Final = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """What of a job that has not ended is asked for."""

    job_id: str
    state: JobState
    shards: int = 0
    updated_at: str = ""
    waiting_for: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    bake_progress: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        return cls(
            job_id=item["job_id"],
            state=JobState(item["state"]),
            shards=int(item.get("shards", 0)),
            updated_at=item.get("updated_at", ""),
            waiting_for=item.get("waiting_for", ""),
            options=item.get("options", {}),
            bake_progress=item.get("bake_progress", {}),
        )


class BacklogRecords:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(self, dynamodb: Any, table_name: str, sleep: Callable[[float], object] = time.sleep) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._sleep = sleep

    def open_jobs(self) -> list[OpenJob]:
        """The jobs that have not ended, oldest first; of those that are held, none."""
        items = self._query(
            IndexName=UNFINISHED_JOBS,
            KeyConditionExpression=f"{UNFINISHED} = :listing",
            FilterExpression="#state <> :held",
            ProjectionExpression="job_id, #state, shards, updated_at, waiting_for, #options, bake_progress",
            ExpressionAttributeNames={"#state": "state", "#options": "options"},
            ExpressionAttributeValues={":listing": JOB_LISTING, ":held": str(JobState.HELD)},
        )
        return list(_readable(items, OpenJob.from_item))

    def workers(self, now: int) -> list[WorkerRecord]:
        """What the workers said of themselves lately; `now` in epoch seconds."""
        shards = (
            self._query(
                KeyConditionExpression=f"{PARTITION_KEY} = :shard",
                FilterExpression="seen_at >= :fresh",
                ExpressionAttributeValues={
                    ":shard": workers_partition(shard),
                    ":fresh": now - STALE_SECONDS,
                },
            )
            for shard in range(WORKER_SHARDS)
        )
        return [worker for items in shards for worker in _readable(items, WorkerRecord.from_item)]

    def heard_since(self, moment: int) -> set[str]:
        """Ids of the workers that have said anything since then, whatever it was; epoch seconds."""
        return {
            item["worker_id"]
            for shard in range(WORKER_SHARDS)
            for item in self._query(
                KeyConditionExpression=f"{PARTITION_KEY} = :shard",
                FilterExpression="seen_at >= :moment",
                ProjectionExpression="worker_id",
                ExpressionAttributeValues={":shard": workers_partition(shard), ":moment": moment},
            )
        }

    def progress(self, jobs: Iterable[OpenJob]) -> dict[str, Progress]:
        """Each job's counters, summed up. Raises OSError when some stay unread."""
        keys, job_of = [], {}
        for job in jobs:
            for shard in range(job.shards):
                keys.append(counter_key(job.job_id, shard))
                job_of[shard_partition(job.job_id, shard)] = job.job_id
        found: dict[str, Progress] = {}
        for first in range(0, len(keys), BATCH):
            for item in self._items(keys[first : first + BATCH]):
                job_id = job_of[item[PARTITION_KEY]]
                found[job_id] = found.get(job_id, Progress()) + Progress.from_item(item)
        return found

    def say_what_it_waits_for(self, job_id: str, what: str) -> None:
        """Note on a job why it has no machine; empty when it waits for none. A job that has ended stays.

        Nothing else is written, not even updated_at: the job has not moved.
        """
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=job_key(job_id),
                UpdateExpression="SET waiting_for = :what",
                ConditionExpression=f"attribute_exists({UNFINISHED})",
                ExpressionAttributeValues={":what": what},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            log.info("job %s has ended meanwhile", job_id)

    def failed_boots(self, deploy_version: str) -> FailedBoots:
        """Those in a row since that deploy."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=boot_key(deploy_version))
        return FailedBoots.from_item(answer.get("Item"))

    def count_failed_boot(self, deploy_version: str, boots: FailedBoots) -> None:
        """For a machine that could not do it itself."""
        self._dynamodb.update_item(
            **count_boot(table=self._table, deploy_version=deploy_version, boots=boots)
        )

    def deployed_at(self, deploy_version: str) -> float:
        """Epoch seconds since when machines are told of this deploy; in the far future until they are."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=fleet_version_key())
        said = FleetVersion.from_item(answer.get("Item"))
        return said.deployed_at if said.deploy_version == deploy_version else math.inf

    def announce(self, *, worker_version: str, deploy_version: str, now: int) -> None:
        """Say of which version the machines should be, if that was not said yet; `now` in epoch seconds."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=fleet_version_key())
        before = FleetVersion.from_item(answer.get("Item"))
        said = before.followed_by(worker_version=worker_version, deploy_version=deploy_version, now=now)
        if said != before:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=fleet_version_key(),
                UpdateExpression="SET worker_version = :worker, deploy_version = :deploy, #since = :since,"
                " deployed_at = :deployed",
                ExpressionAttributeNames={"#since": "since"},
                ExpressionAttributeValues={
                    ":worker": worker_version,
                    ":deploy": deploy_version,
                    ":since": said.since,
                    ":deployed": said.deployed_at,
                },
            )

    def spend(self, month: str) -> Spend:
        return RecordReader(self._dynamodb, self._table).spend(month)

    def add_spend(
        self, month: str, before: Spend, *, machines: int, hour_microdollars: int, now: int
    ) -> bool:
        """False when another measure has counted meanwhile."""
        update = add_spend(
            table=self._table,
            month=month,
            before=before,
            machines=machines,
            hour_microdollars=hour_microdollars,
            now=now,
        )
        try:
            self._dynamodb.update_item(**update)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def standstill(self) -> Mapping[str, Any] | None:
        """The item that the last measure wrote; None before the first one."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=standstill_key(), ConsistentRead=True)
        item: Mapping[str, Any] | None = answer.get("Item")
        return item

    def note_standstill(self, *, mark: str, since: int, seen_at: int) -> None:
        """Write it anew; epoch seconds."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=standstill_key(),
            UpdateExpression="SET #mark = :mark, #since = :since, #seen_at = :seen_at",
            ExpressionAttributeNames={"#mark": "mark", "#since": "since", "#seen_at": "seen_at"},
            ExpressionAttributeValues={":mark": mark, ":since": since, ":seen_at": seen_at},
        )

    def _items(self, keys: list[dict[str, str]]) -> Iterator[Mapping[str, Any]]:
        left: Any = {self._table: {"Keys": keys}}
        for attempt in range(READ_TRIES):
            answer = self._dynamodb.batch_get_item(RequestItems=left)
            yield from answer["Responses"].get(self._table, [])
            left = answer.get("UnprocessedKeys")
            if not left:
                return
            self._sleep(random.uniform(0, 0.1 * 2**attempt))
        raise OSError(f"{len(left[self._table]['Keys'])} counters stayed unread after {READ_TRIES} tries")

    def _query(self, **query: Any) -> Iterator[Mapping[str, Any]]:
        for page in self._dynamodb.get_paginator("query").paginate(TableName=self._table, **query):
            yield from page["Items"]


def _readable(items: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    for item in items:
        try:
            yield read(item)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            log.exception("left out a record that makes no sense: %.300r", item)
