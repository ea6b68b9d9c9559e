"""Job records for tests."""

from __future__ import annotations

from typing import Any

from contract.job import Job, JobState
from contract.job_writes import set_attributes
from contract.table import JOB_LISTING, UNFINISHED, UNFINISHED_JOBS, job_key
from tests.support.aws_edges import AwsEdges


def a_job(job_id: str = "a", **attributes: Any) -> Job:
    """A record as the listener makes it, but for `attributes`."""
    made: dict[str, Any] = {
        "project": "p",
        "name": "n.blend",
        "bucket": "b",
        "source_key": "p/n.blend",
        "source_version": "1",
        "source_bytes": 1,
        "created_at": "2026",
    }
    return Job(job_id=job_id, **{**made, **attributes})


def put_state(aws: AwsEdges, job_id: str, state: JobState) -> None:
    """Set the state on a record, whatever it was."""
    aws.dynamodb.update_item(
        TableName=aws.job_table_name, Key=job_key(job_id), **set_attributes({"state": state})
    )


def unfinished_jobs(aws: AwsEdges) -> list[str]:
    """The ids in the index of unfinished jobs, oldest first."""
    answer = aws.dynamodb.query(
        TableName=aws.job_table_name,
        IndexName=UNFINISHED_JOBS,
        KeyConditionExpression=f"{UNFINISHED} = :listing",
        ExpressionAttributeValues={":listing": JOB_LISTING},
    )
    return [item["job_id"] for item in answer["Items"]]
