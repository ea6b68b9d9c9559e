"""What machines did for a job, and what that cost: added to its record while they are at it.

Only the time counts in which a machine held a task of the job. Booting and idling belong to no job; the
month's sum has them (contract.spend). Values are plain Python, as a resource's client takes them.
"""

from __future__ import annotations

from typing import Any

from contract.prices import cost_of
from contract.table import PARTITION_KEY, job_key


def add_usage(*, table: str, job_id: str, seconds: int, spot: bool, hour_microdollars: int) -> dict[str, Any]:
    """An update that adds so many seconds of one machine. Its condition fails when there is no such job.

    Nothing else is written, not even updated_at: the job has not moved.
    """
    return {
        "TableName": table,
        "Key": job_key(job_id),
        "UpdateExpression": "ADD worker_seconds :seconds, spot_seconds :spot, microdollars :microdollars",
        "ConditionExpression": f"attribute_exists({PARTITION_KEY})",
        "ExpressionAttributeValues": {
            ":seconds": seconds,
            ":spot": seconds if spot else 0,
            ":microdollars": cost_of(seconds, hour_microdollars),
        },
    }
