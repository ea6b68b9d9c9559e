"""Job records for tests."""

from __future__ import annotations

from typing import Any

from contract.job import Job, JobState
from contract.table import job_key
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
    """Set the state on a record, as no part of the farm does it."""
    aws.dynamodb.update_item(
        TableName=aws.job_table_name,
        Key=job_key(job_id),
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": str(state)},
    )
