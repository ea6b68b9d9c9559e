"""The write that ends a job from outside, as DynamoDB takes it: the Lambdas make the same.

Values are plain Python, as a resource's client takes them.
"""

from __future__ import annotations

from typing import Any

from contract.job import Job, JobState, Progress
from contract.table import job_key


def end_job(
    *, table: str, job: Job, state: JobState, reason: str, progress: Progress, at: str
) -> dict[str, Any]:
    """An update that ends a job as it was read. Its condition fails when a worker has written since."""
    attributes = {
        "state": str(state),
        "reason": reason,
        "updated_at": at,
        "frames_done": progress.done,
        "frames_failed": progress.failed,
    }
    return {
        "TableName": table,
        "Key": job_key(job.job_id),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        "ConditionExpression": "#state = :state_read AND updated_at = :updated_at_read",
        "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
        "ExpressionAttributeValues": {
            **{f":{name}": value for name, value in attributes.items()},
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
