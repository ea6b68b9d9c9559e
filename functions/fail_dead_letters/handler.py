"""Reads the dead-letter queue: what could not be done ends on its job's record."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from contract.job import ENDED, timestamp
from contract.settings import DeadLetterSettings
from contract.table import PARTITION_KEY, job_key
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
    what = f"frames {task.frames}" if isinstance(task, RenderTask) else f"its {task.kind}"
    ended = {f":ended{i}": str(state) for i, state in enumerate(sorted(ENDED))}
    try:
        _dynamodb().update_item(
            TableName=table_name,
            Key=job_key(task.job_id),
            UpdateExpression="SET #state = :failed, reason = :reason, updated_at = :now",
            ConditionExpression=f"attribute_exists({PARTITION_KEY}) AND NOT #state IN ({', '.join(ended)})",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":failed": "FAILED",
                ":reason": f"{what} was handed to workers too often without an end; see the workers' logs",
                ":now": timestamp(datetime.now(UTC)),
                **ended,
            },
        )
    except _dynamodb().exceptions.ConditionalCheckFailedException:
        log.info("job %s has ended or is unknown: nothing to fail", task.job_id)
