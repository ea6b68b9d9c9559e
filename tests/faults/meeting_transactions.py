"""A model of what DynamoDB does when transactions meet; the emulator never rejects one for that.

DynamoDB rejects a transaction that wants an item which another transaction, still under way, writes
(TransactionCanceledException with the reason TransactionConflict); the one under way goes on. A single
write that meets one is rejected too (TransactionConflictException). So here: a table of items in flight;
a transaction enters all its items or is rejected, stays in flight as long as DynamoDB takes
(10 to 20 ms, drawn at random), and is then forwarded. The emulator's own time is not in it: one process
that 200 threads queue at is no model of DynamoDB.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

IN_FLIGHT_SECONDS = (0.010, 0.020)
_ONGOING = "Transaction is ongoing for the item"

_Item = tuple[str, ...]


class MeetingTransactions:
    """Stands where a DynamoDB client does; whatever it does not know, the client does."""

    def __init__(
        self, dynamodb: Any, seed: int, in_flight_seconds: tuple[float, float] = IN_FLIGHT_SECONDS
    ) -> None:
        self._dynamodb = dynamodb
        self._in_flight_seconds = in_flight_seconds
        self._dice = Random(seed)
        self._lock = threading.Lock()
        self._in_flight: set[_Item] = set()
        self.transactions = 0
        """Tries that reached the table, rejected or not."""
        self.rejected: Counter[tuple[int, _Item]] = Counter()
        """Rejections of each transaction, by its thread and its first item."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> Any:  # noqa: N803 - as boto3 has it
        items = [_item(write) for write in TransactItems]
        met, seconds = self._enter(items)
        if met:
            raise self._canceled(items, met)
        try:
            time.sleep(seconds)
        finally:
            self._leave(items)
        return self._dynamodb.transact_write_items(TransactItems=TransactItems)

    def update_item(self, **update: Any) -> Any:
        with self._lock:
            met = _item({"Update": update}) in self._in_flight
        if met:
            error = {"Code": "TransactionConflictException", "Message": _ONGOING}
            raise self._dynamodb.exceptions.TransactionConflictException({"Error": error}, "UpdateItem")
        return self._dynamodb.update_item(**update)

    def _enter(self, items: list[_Item]) -> tuple[set[_Item], float]:
        """The items that are in flight already, else how long these will be."""
        with self._lock:
            self.transactions += 1
            met = self._in_flight & set(items)
            if met:
                self.rejected[threading.get_ident(), items[0]] += 1
            else:
                self._in_flight.update(items)
            return met, self._dice.uniform(*self._in_flight_seconds)

    def _leave(self, items: Iterable[_Item]) -> None:
        with self._lock:
            self._in_flight.difference_update(items)

    def _canceled(self, items: Iterable[_Item], met: set[_Item]) -> Exception:
        reasons = [
            {"Code": "TransactionConflict", "Message": _ONGOING} if item in met else {"Code": "None"}
            for item in items
        ]
        codes = ", ".join(reason["Code"] for reason in reasons)
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        answer = {
            "Error": {"Code": "TransactionCanceledException", "Message": message},
            "CancellationReasons": reasons,
        }
        error: Exception = self._dynamodb.exceptions.TransactionCanceledException(
            answer, "TransactWriteItems"
        )
        return error


def _item(write: Mapping[str, Mapping[str, Any]]) -> _Item:
    """What names an item: its table and its key."""
    (fields,) = write.values()
    key = fields.get("Key") or fields["Item"]
    return (fields["TableName"], key["pk"], key["sk"])
