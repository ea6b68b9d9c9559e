"""Transactions that meet, on an item of the run's own in the job table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import ClientError

from contract.table import PARTITION_KEY, SORT_KEY
from farm.doctor.finding import error_code
from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Seen, not_so, not_tried, ok

AT_ONCE: Final = 8
TRIES: Final = 25
_CANCELED: Final = "TransactionCanceledException"
_CONFLICT: Final = "TransactionConflict"


def test_key(run_id: str) -> dict[str, str]:
    """Of an item that is nobody's: no part of the farm reads it."""
    return {PARTITION_KEY: f"LIVE#{run_id}", SORT_KEY: "TEST"}


def transaction_conflict(run: LiveRun) -> Seen:
    """Some writers at once: those that meet are told so by name, and only the others have counted."""
    dynamodb: Any = run.farm.clients.dynamodb.meta.client
    table, key = run.farm.outputs["JobTableName"], test_key(run.run_id)

    def write(_: int) -> str:
        """Empty when it was done, else why not."""
        try:
            dynamodb.transact_write_items(TransactItems=[{"Update": _one_more(table, key)}])
        except ClientError as error:
            return _why(error)
        return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = list(pool.map(write, range(AT_ONCE * TRIES)))
    done, others = said.count(""), sorted({each for each in said if each not in ("", _CONFLICT)})
    if others:
        return not_so(f"a transaction that met another one was told {', '.join(others)}")
    item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    if int(item["writes"]) != done:
        return not_so(f"{done} transactions were done by DynamoDB's word, {item['writes']} have counted")
    met = len(said) - done
    if not met:
        return not_tried(f"none of {len(said)} transactions at one item met another")
    return ok(f"{met} of {len(said)} transactions met another, were told so, and did nothing")


def _one_more(table: str, key: dict[str, str]) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "ADD writes :one",
        "ExpressionAttributeValues": {":one": 1},
    }


def _why(error: ClientError) -> str:
    if error_code(error) != _CANCELED:
        return error_code(error)
    reasons: list[Any] = list(error.response.get("CancellationReasons", []))
    return str(reasons[0].get("Code", "")) if reasons else _CANCELED
