"""The job table as the sweep uses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from contract.frames import parse_frames
from contract.job import FrameState, Job, Progress, timestamp
from contract.job_actions import release_job
from contract.job_writes import end_job
from contract.record_reader import RecordReader
from contract.table import (
    FRAME_PREFIX,
    JOB_LISTING,
    PARTITION_KEY,
    SORT_KEY,
    UNFINISHED,
    UNFINISHED_JOBS,
    job_key,
    shard_partition,
)
from functions.sweep_jobs.decision import End, Sighting


class SweptRecords:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(self, dynamodb: Any, table_name: str, sleep: Callable[[float], object] = time.sleep) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._reader = RecordReader(dynamodb, table_name, pause=sleep)

    def open_jobs(self) -> Iterator[Mapping[str, Any]]:
        """Items of the jobs that have not ended, oldest first."""
        query = {
            "TableName": self._table,
            "IndexName": UNFINISHED_JOBS,
            "KeyConditionExpression": f"{UNFINISHED} = :listing",
            "ExpressionAttributeValues": {":listing": JOB_LISTING},
        }
        for page in self._dynamodb.get_paginator("query").paginate(**query):
            yield from page["Items"]

    def over_budget(self, now: datetime, budget_dollars: float | None) -> str:
        """Why the budget holds new work; empty when it does not, or there is none."""
        return self._reader.over_budget(now, budget_dollars)

    def release(self, job_id: str, at: datetime) -> bool:
        """Queue a job that was held. False when it is held no more."""
        return self._update(release_job(table=self._table, job_id=job_id, now=timestamp(at)))

    def progress(self, job: Job) -> Progress:
        """The sum over all shards, each read consistently. Raises OSError when some stay unread."""
        return sum(self._reader.shards([job])[job.job_id], Progress())

    def missing_frames(self, job: Job) -> list[int]:
        """Frames without a record that says that they have ended, in the job's order."""
        ended: set[int] = set()
        for shard in range(job.shards):
            query = {
                "TableName": self._table,
                "KeyConditionExpression": f"{PARTITION_KEY} = :pk AND begins_with({SORT_KEY}, :prefix)",
                "ProjectionExpression": "frame, #state",
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": {
                    ":pk": shard_partition(job.job_id, shard),
                    ":prefix": FRAME_PREFIX,
                },
                "ConsistentRead": True,
            }
            for page in self._dynamodb.get_paginator("query").paginate(**query):
                ended.update(int(r["frame"]) for r in page["Items"] if r["state"] != str(FrameState.WAITING))
        return [frame for frame in parse_frames(job.frames) if frame not in ended]

    def watch(self, job: Job, sighting: Sighting) -> bool:
        """Note how far a job is, unless that is known."""
        return self._note(job, sighting, "(attribute_not_exists(sweep.#mark) OR sweep.#mark <> :mark)", {})

    def note_send(self, job: Job, sighting: Sighting) -> bool:
        """Note that tasks are sent again. False when another sweep did, or the job has moved."""
        return self._note(
            job,
            sighting,
            "sweep.#mark = :mark AND sweep.#times = :times AND updated_at = :updated_at",
            {":times": sighting.times - 1, ":updated_at": job.updated_at},
            {"#times": "times"},
        )

    def end(self, job: Job, progress: Progress, end: End, at: datetime) -> bool:
        """False when somebody has written to the job since it was read."""
        update = end_job(
            table=self._table,
            job=job,
            state=end.state,
            reason=end.reason,
            progress=progress,
            at=timestamp(at),
        )
        return self._update(update)

    def _note(
        self,
        job: Job,
        sighting: Sighting,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> bool:
        return self._update(
            {
                "TableName": self._table,
                "Key": job_key(job.job_id),
                "UpdateExpression": "SET sweep = :sighting",  # not updated_at: the job has not moved
                "ConditionExpression": f"#state = :state AND {condition}",
                "ExpressionAttributeNames": {"#state": "state", "#mark": "mark", **(names or {})},
                "ExpressionAttributeValues": {
                    ":sighting": sighting.to_map(),
                    ":mark": sighting.mark,
                    ":state": str(job.state),
                    **values,
                },
            }
        )

    def _update(self, update: Mapping[str, Any]) -> bool:
        """False when its condition does not hold."""
        try:
            self._dynamodb.update_item(**update)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True
