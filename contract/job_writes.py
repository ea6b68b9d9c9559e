"""How attributes of a job are written, and the write that ends one from outside, as DynamoDB takes them.

Values are plain Python, as a resource's client takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.job import Job, JobState, Progress
from contract.table import JOB_LISTING, UNFINISHED, job_key


def set_attributes(attributes: Mapping[str, Any], *, add: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The part of an update that sets attributes of a job and adds to others, each with its name `#name`.

    Whoever writes a state writes it through here: a job is in the index of unfinished jobs until it has a
    state that ends it, and what it waited for is over with each.
    """
    sets, removed = {name: _plain(value) for name, value in attributes.items()}, ""
    if "state" in attributes:
        removed = " REMOVE waiting_for"
        if JobState(attributes["state"]).ended:
            removed += f", {UNFINISHED}"
        else:
            sets[UNFINISHED] = JOB_LISTING
    adds = add or {}
    setting = ", ".join(f"#{name} = :{name}" for name in sets)
    adding = " ADD " + ", ".join(f"#{name} :add_{name}" for name in adds) if adds else ""
    return {
        "UpdateExpression": f"SET {setting}{removed}{adding}",
        "ExpressionAttributeNames": {f"#{name}": name for name in (*sets, *adds)},
        "ExpressionAttributeValues": {
            **{f":{name}": value for name, value in sets.items()},
            **{f":add_{name}": step for name, step in adds.items()},
        },
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, JobState) else value


def end_job(
    *, table: str, job: Job, state: JobState, reason: str, progress: Progress, at: str
) -> dict[str, Any]:
    """An update that ends a job as it was read. Its condition fails when a worker has written since."""
    update = set_attributes(
        {
            "state": state,
            "reason": reason,
            "updated_at": at,
            "frames_done": progress.done,
            "frames_failed": progress.failed,
        }
    )
    return {
        **update,
        "TableName": table,
        "Key": job_key(job.job_id),
        "ConditionExpression": "#state = :state_read AND updated_at = :updated_at_read",
        "ExpressionAttributeValues": {
            **update["ExpressionAttributeValues"],
            ":state_read": str(job.state),
            ":updated_at_read": job.updated_at,
        },
    }


def end_without_summary(progress: Progress) -> tuple[JobState, str]:
    """How a job ends whose frames have all ended, and which no worker lives to sum up: state and reason."""
    state = JobState.DONE_WITH_FAILURES if progress.failed else JobState.DONE
    failed = f" and {progress.failed} could not be rendered" if progress.failed else ""
    return state, (
        f"its {progress.done} rendered frames are in the bucket{failed}, but no worker could sum it up: "
        "job.json and what is made from the frames are missing"
    )
