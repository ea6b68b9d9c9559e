"""The writes that move a frame's record, as DynamoDB takes them: the agent and the Lambdas make the same.

A frame that ends and its shard's counter move in one transaction, so that it never counts twice. Values
are plain Python, as a resource's client takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contract.frame_record import FailedAttempt
from contract.job import FrameState, JobState
from contract.table import counter_key, frame_key, job_key, shard_of

NOT_ENDED = "(attribute_not_exists(#state) OR #state = :waiting)"

_THOUSANDTH = Decimal("0.001")


def end_frame(
    *,
    table: str,
    job_id: str,
    shards: int,
    frame: int,
    state: FrameState,
    attributes: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Items of a transaction that ends a frame, DONE or FAILED. Its condition fails when it has ended.

    The attributes of a DONE one have the `seconds` that it took, a Decimal: its shard's counter adds them up,
    and `ended_at`, a timestamp.
    """
    return end_frames(table=table, job_id=job_id, shards=shards, state=state, frames={frame: attributes})


def end_frames(
    *,
    table: str,
    job_id: str,
    shards: int,
    state: FrameState,
    frames: Mapping[int, Mapping[str, Any]],
    sessions: int = 1,
) -> list[dict[str, Any]]:
    """The same for several frames of one shard, by their attributes, the last one to end coming last.

    Of a worker that rendered with so many `sessions` at once, each took one part in so many of the time: that
    is what the counter adds up.
    """
    records = [_end(table, job_id, shards, frame, state, attributes) for frame, attributes in frames.items()]
    last = list(frames)[-1]
    if state is FrameState.DONE:
        taken = sum((attributes["seconds"] for attributes in frames.values()), Decimal())
        seconds = (taken / sessions).quantize(_THOUSANDTH)
        steps: dict[str, int | Decimal] = {"done": len(frames), "seconds": seconds}
        count = _count(table, job_id, shards, last, steps, last=frames[last]["ended_at"])
    else:
        count = _count(table, job_id, shards, last, {"failed": len(frames)})
    return [*({"Update": record} for record in records), {"Update": count}]


def _end(
    table: str, job_id: str, shards: int, frame: int, state: FrameState, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    sets = ", ".join(f"#{name} = :{name}" for name in attributes)
    return {
        "TableName": table,
        "Key": frame_key(job_id, shards, frame),
        "UpdateExpression": f"SET #state = :state, frame = :frame, {sets}",
        "ConditionExpression": NOT_ENDED,
        "ExpressionAttributeNames": {"#state": "state", **{f"#{name}": name for name in attributes}},
        "ExpressionAttributeValues": {
            ":state": str(state),
            ":waiting": str(FrameState.WAITING),
            ":frame": frame,
            **{f":{name}": value for name, value in attributes.items()},
        },
    }


def reopen_frame(
    *, table: str, job_id: str, shards: int, frame: int, was: FrameState, bake_token: str
) -> list[dict[str, Any]]:
    """Items of a transaction that makes a frame which `was` FAILED or WAITING wait with no failure behind it.

    Its condition fails when the frame has moved, or the job has another baker than `bake_token`: one that
    woke too late would reopen what failed anew, and nobody would render it.
    """
    record = {
        "TableName": table,
        "Key": frame_key(job_id, shards, frame),
        "UpdateExpression": "SET #state = :waiting, reason = :none REMOVE failures, ended_at",
        "ConditionExpression": "#state = :was",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {
            ":waiting": str(FrameState.WAITING),
            ":was": str(was),
            ":none": "",
        },
    }
    baker = {
        "TableName": table,
        "Key": job_key(job_id),
        "ConditionExpression": "#state = :baking AND bake_token = :token",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {":baking": str(JobState.BAKING), ":token": bake_token},
    }
    items = [{"Update": record}, {"ConditionCheck": baker}]
    if was is FrameState.FAILED:
        items.append({"Update": _count(table, job_id, shards, frame, {"failed": -1})})
    return items


def add_failure(
    *, table: str, job_id: str, shards: int, frame: int, known: int, failure: FailedAttempt
) -> dict[str, Any]:
    """An update that adds a failed attempt to a frame of which `known` are recorded.

    Its condition fails when the frame has ended, or another attempt was recorded meanwhile.
    """
    condition = "size(failures) = :known" if known else "attribute_not_exists(failures)"
    values: dict[str, Any] = {":known": known} if known else {}
    return {
        "TableName": table,
        "Key": frame_key(job_id, shards, frame),
        "UpdateExpression": "SET #state = :waiting, frame = :frame, reason = :reason, worker = :worker,"
        " failures = list_append(if_not_exists(failures, :none), :failure)",
        "ConditionExpression": f"{NOT_ENDED} AND {condition}",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {
            ":waiting": str(FrameState.WAITING),
            ":frame": frame,
            ":reason": failure.reason,
            ":worker": failure.worker,
            ":none": [],
            ":failure": [failure.to_map()],
            **values,
        },
    }


def add_interruption(*, table: str, job_id: str, shards: int, frame: int) -> dict[str, Any]:
    """An update that notes that a frame was given back by a worker that had to go."""
    return {
        "TableName": table,
        "Key": frame_key(job_id, shards, frame),
        "UpdateExpression": "SET #state = :waiting, frame = :frame ADD interruptions :one",
        "ConditionExpression": NOT_ENDED,
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {":waiting": str(FrameState.WAITING), ":frame": frame, ":one": 1},
    }


def _count(
    table: str,
    job_id: str,
    shards: int,
    frame: int,
    steps: Mapping[str, int | Decimal],
    *,
    last: str = "",
) -> dict[str, Any]:
    """Add to a shard's counter; with `last`, when the frame was done, it is the shard's last frame."""
    adding = "ADD " + ", ".join(f"#{counter} :{counter}" for counter in steps)
    setting = {"last_frame": frame, "last_frame_at": last} if last else {}
    return {
        "TableName": table,
        "Key": counter_key(job_id, shard_of(frame, shards)),
        "UpdateExpression": " ".join(
            [*(["SET " + ", ".join(f"#{name} = :{name}" for name in setting)] if setting else []), adding]
        ),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*setting, *steps)},
        "ExpressionAttributeValues": {f":{name}": value for name, value in {**setting, **steps}.items()},
    }
