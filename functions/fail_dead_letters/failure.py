"""Ends the job of a task that was given up, unless it was given up rightly."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from contract.frames import parse_frames
from contract.job import ENDED, FrameState, JobState, timestamp
from contract.table import PARTITION_KEY, frame_key, job_key
from contract.tasks import RenderTask, Task


def fail_job(dynamodb: Any, table_name: str, task: Task) -> str:
    """Fail the task's job, unless it has ended, its frames have, or its baker is alive. Says what was done.

    A copy of a bake task, and a frame whose message outlived its record, are given up rightly.
    """
    if isinstance(task, RenderTask) and _have_ended(dynamodb, table_name, task):
        return "its frames have ended: nothing to fail"
    trouble = _get(dynamodb, table_name, job_key(task.job_id)).get("reason")
    what = f"frames {task.frames}" if isinstance(task, RenderTask) else f"its {task.kind}"
    ended = {f":ended{i}": str(state) for i, state in enumerate(sorted(ENDED))}
    try:
        dynamodb.update_item(
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
                ":reason": f"{what} was handed to workers too often without an end"
                + (f"; the last trouble was: {trouble}" if trouble else "; see the workers' logs"),
                ":now": timestamp(datetime.now(UTC)),
                **ended,
            },
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return "its job has ended, is being baked or is unknown: nothing to fail"
    return "its job is failed"


def _have_ended(dynamodb: Any, table_name: str, task: RenderTask) -> bool:
    item = _get(dynamodb, table_name, job_key(task.job_id))
    shards = int(item.get("shards", 0))
    return shards > 0 and all(
        _get(dynamodb, table_name, frame_key(task.job_id, shards, frame)).get("state")
        in (str(FrameState.DONE), str(FrameState.FAILED))
        for frame in parse_frames(task.frames)
    )


def _get(dynamodb: Any, table_name: str, key: dict[str, str]) -> dict[str, Any]:
    item: dict[str, Any] = dynamodb.get_item(TableName=table_name, Key=key, ConsistentRead=True).get(
        "Item", {}
    )
    return item
