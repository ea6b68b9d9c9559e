"""Job records, many at a time, as they are at this very moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from typing import Any, Final

from contract.table import PARTITION_KEY, job_key
from functions.clear_scratch.verdict import JobFacts

READ_BATCH: Final = 100
"""Keys that DynamoDB takes in one BatchGetItem."""
TRIES: Final = 6


class RecordsUnreadError(OSError):
    """DynamoDB left some keys unread, again and again: of their jobs nothing is known."""


class JobRecords:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(self, dynamodb: Any, table_name: str, sleep: Callable[[float], object] = time.sleep) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._sleep = sleep

    def read(self, job_ids: Collection[str]) -> dict[str, JobFacts]:
        """Records of at most READ_BATCH jobs, read consistently; a job without one is not in the answer.

        Raises RecordsUnreadError: what was not read must not pass for what is not there.
        """
        ids = {job_key(job_id)[PARTITION_KEY]: job_id for job_id in job_ids}
        found: dict[str, JobFacts] = {}
        left: Any = self._request(job_ids) if job_ids else None
        for attempt in range(TRIES):
            if not left:
                return found
            if attempt:
                self._sleep(random.uniform(0, 0.1 * 2**attempt))
            answer = self._dynamodb.batch_get_item(RequestItems=left)
            for item in answer["Responses"].get(self._table, []):
                found[ids[item[PARTITION_KEY]]] = JobFacts.from_item(item)
            left = answer.get("UnprocessedKeys")
        if left:
            raise RecordsUnreadError(f"{len(left[self._table]['Keys'])} job records stayed unread")
        return found

    def _request(self, job_ids: Collection[str]) -> dict[str, Any]:
        names = {"#key": PARTITION_KEY, "#state": "state"}
        return {
            self._table: {
                "Keys": [job_key(job_id) for job_id in job_ids],
                "ConsistentRead": True,
                "ProjectionExpression": "#key, #state, updated_at, baked_folder",
                "ExpressionAttributeNames": names,
            }
        }
