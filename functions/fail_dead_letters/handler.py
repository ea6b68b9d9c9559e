"""Reads the dead-letter queue: what could not be done ends on its job's record."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from contract.frames import parse_frames
from contract.job import ENDED, FrameState, JobState, timestamp
from contract.settings import DeadLetterSettings
from contract.table import PARTITION_KEY, frame_key, job_key
from contract.tasks import RenderTask, Task, TaskError, decode

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)


@cache
def _dynamodb() -> Any:
    return boto3.resource("dynamodb").meta.client


def handle(event: dict[str, Any], context: object) -> None:
    """Lambda entry for SQS batches: fails the job of each task that ran out of deliveries."""
    table_name = DeadLetterSettings.from_env(os.environ).job_table_name
    for record in event.get("Records", []):
        try:
            task = decode(record["body"])
        except TaskError as error:
            log.error("dropped message %s: %s: %.500r", record.get("messageId"), error, record["body"])
            continue
        log.error("task %s was given up", task)
        _fail_job(table_name, task)


def _fail_job(table_name: str, task: Task) -> None:
    """Fail the task's job, unless it has ended, its frames have, or its baker is alive.

    A copy of a bake task, and a frame whose message outlived its record, are given up rightly.
    """
    if isinstance(task, RenderTask) and _have_ended(table_name, task):
        log.info("the frames of %s have ended: nothing to fail", task)
        return
    what = f"frames {task.frames}" if isinstance(task, RenderTask) else f"its {task.kind}"
    ended = {f":ended{i}": str(state) for i, state in enumerate(sorted(ENDED))}
    try:
        _dynamodb().update_item(
            TableName=table_name,
            Key=job_key(task.job_id),
            UpdateExpression="SET #state = :failed, reason = :reason, updated_at = :now",
            ConditionExpression=f"attribute_exists({PARTITION_KEY}) AND NOT #state IN ({', '.join(ended)})"
            " AND NOT (#state = :baking AND bake_lease_until > :epoch)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":failed": str(JobState.FAILED),
                ":baking": str(JobState.BAKING),
                ":epoch": int(time.time()),
                ":reason": f"{what} was handed to workers too often without an end; see the workers' logs",
                ":now": timestamp(datetime.now(UTC)),
                **ended,
            },
        )
    except _dynamodb().exceptions.ConditionalCheckFailedException:
        log.info("job %s has ended, is being baked or is unknown: nothing to fail", task.job_id)


def _have_ended(table_name: str, task: RenderTask) -> bool:
    item = _get(table_name, job_key(task.job_id))
    shards = int(item.get("shards", 0))
    return shards > 0 and all(
        _get(table_name, frame_key(task.job_id, shards, frame)).get("state")
        in (str(FrameState.DONE), str(FrameState.FAILED))
        for frame in parse_frames(task.frames)
    )


def _get(table_name: str, key: dict[str, str]) -> dict[str, Any]:
    item: dict[str, Any] = (
        _dynamodb().get_item(TableName=table_name, Key=key, ConsistentRead=True).get("Item", {})
    )
    return item
