"""The job table in memory: conditions, transactions that meet, and what AWS would charge."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from boto3.dynamodb.types import TypeSerializer

from bench.aws_in_memory.errors import RefusedError
from bench.aws_in_memory.expressions import Item, condition
from bench.aws_in_memory.in_flight import ItemsInFlight, Key
from bench.aws_in_memory.item_sizes import item_bytes, read_units, write_units
from bench.aws_in_memory.latencies import Latencies
from bench.aws_in_memory.request_units import RequestUnits
from bench.aws_in_memory.updates import apply
from contract.table import (
    INDEX_PARTITION_KEY,
    INDEX_SORT_KEY,
    JOBS_BY_CREATION,
    PARTITION_KEY,
    SORT_KEY,
    UNFINISHED,
    UNFINISHED_JOBS,
)

_INDEXES: Final = {JOBS_BY_CREATION: INDEX_PARTITION_KEY, UNFINISHED_JOBS: UNFINISHED}
"""Index and its partition key; each is sorted by INDEX_SORT_KEY and holds whole items (stacks/storage.py)."""
_PARTITION: Final = re.compile(rf"\s*{PARTITION_KEY}\s*=\s*(:\w+)")
_TYPES: Final = TypeSerializer()
_FAILED: Final = "The conditional request failed"
_CONFLICT: Final = "Transaction is ongoing for the item"


class Table:
    """Each public method is an operation of DynamoDB: parameters and answer are the body's JSON."""

    def __init__(self, latencies: Latencies, dice: random.Random) -> None:
        self._latencies, self._dice = latencies, dice
        self._lock = threading.Lock()
        self._partitions: dict[str, dict[str, Item]] = {}
        self._in_flight = ItemsInFlight()
        self.units = RequestUnits()
        self.conflicts: Counter[str] = Counter()
        """Writes that met a transaction, by operation."""

    def get_item(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        key = _key(asked["Key"])
        with self._lock:
            item = self._item(key)
            units = read_units(item_bytes(item), consistent=asked.get("ConsistentRead", False))
            self.units.add_read(key[0], units)
        return {"Item": item} if item else {}

    def batch_get_item(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        answers: dict[str, list[Item]] = {}
        with self._lock:
            for table, wanted in asked["RequestItems"].items():
                for key in map(_key, wanted["Keys"]):
                    item = self._item(key)
                    units = read_units(item_bytes(item), consistent=wanted.get("ConsistentRead", False))
                    self.units.add_read(key[0], units)
                    answers.setdefault(table, []).extend([item] if item else [])
        return {"Responses": answers, "UnprocessedKeys": {}}

    def put_item(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_alone("PutItem", asked)

    def update_item(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_alone("UpdateItem", asked)

    def delete_item(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_alone("DeleteItem", asked)

    def batch_write_item(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        for writes in asked["RequestItems"].values():
            for write in writes:
                ((kind, fields),) = write.items()
                self._write_alone("BatchWriteItem", fields | ({"Delete": True} if "Delete" in kind else {}))
        return {"UnprocessedItems": {}}

    def transact_write_items(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        writes = [next(iter(write.items())) for write in asked["TransactItems"]]
        keys = [_key(fields.get("Key") or fields["Item"]) for _, fields in writes]
        if met := self._in_flight.enter(keys):
            with self._lock:
                self.conflicts["TransactWriteItems"] += 1
                self._charge_transaction(keys)
            raise _canceled("TransactionConflict" if key in met else "None" for key in keys)
        try:
            time.sleep(
                self._dice.uniform(self._latencies.transaction_least, self._latencies.transaction_most)
            )
            with self._lock:
                held = [
                    _holds(fields, self._item(key)) for key, (_, fields) in zip(keys, writes, strict=True)
                ]
                self._charge_transaction(keys)
                if not all(held):
                    raise _canceled("None" if holds else "ConditionalCheckFailed" for holds in held)
                for key, (kind, fields) in zip(keys, writes, strict=True):
                    if kind != "ConditionCheck":
                        self._put(key, None if kind == "Delete" else _written(fields, self._item(key)))
        finally:
            self._in_flight.leave(keys)
        return {}

    def query(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        names, values = asked.get("ExpressionAttributeNames", {}), asked["ExpressionAttributeValues"]
        wanted = condition(asked["KeyConditionExpression"])
        with self._lock:
            listed = self._listed(asked.get("IndexName"), asked["KeyConditionExpression"], values)
            found = [item for item in listed if wanted(item, names, values)]
            found = found[: asked.get("Limit", len(found))]
            size = sum(map(item_bytes, found))
            partition = found[0][PARTITION_KEY]["S"] if found else ""
            self.units.add_read(partition, read_units(size, consistent=asked.get("ConsistentRead", False)))
        if "FilterExpression" in asked:
            kept = condition(asked["FilterExpression"])
            found = [item for item in found if kept(item, names, values)]
        return {"Items": found, "Count": len(found)}

    def peek(self, key: Mapping[str, str]) -> Item:
        """An item, for whoever watches: no request, and no charge."""
        with self._lock:
            return self._item((key[PARTITION_KEY], key[SORT_KEY]))

    def put(self, key: Mapping[str, str], attributes: Mapping[str, Any]) -> None:
        """Set attributes of an item, given as plain Python: no request, and no charge."""
        typed: Item = {name: dict(_TYPES.serialize(value)) for name, value in attributes.items()}
        with self._lock:
            place = key[PARTITION_KEY], key[SORT_KEY]
            self._put(place, {**self._item(place), **typed})

    def _listed(self, index: str | None, keys: str, values: Mapping[str, Any]) -> list[Item]:
        """What may be meant, in its order; a key condition begins with the partition's."""
        if index is None:
            match = _PARTITION.match(keys)
            assert match, f"no partition is asked for: {keys}"
            return [item for _, item in sorted(self._partitions.get(values[match[1]]["S"], {}).items())]
        items = (item for partition in self._partitions.values() for item in partition.values())
        listed = (item for item in items if _INDEXES[index] in item)
        return sorted(listed, key=lambda item: item[INDEX_SORT_KEY]["S"])

    def _write_alone(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        key = _key(asked.get("Key") or asked["Item"])
        with self._lock:
            if self._in_flight.holds(key):
                self.conflicts[operation] += 1
                raise RefusedError("TransactionConflictException", _CONFLICT)
            before = self._item(key)
            if not _holds(asked, before):
                self.units.add_write(key[0], write_units(item_bytes(before)))
                raise RefusedError("ConditionalCheckFailedException", _FAILED)
            gone = operation == "DeleteItem" or "Delete" in asked
            after = None if gone else _written(asked, before)
            self._put(key, after)
            self.units.add_write(key[0], write_units(item_bytes(before), item_bytes(after or {})))
            for index in _INDEXES.values():
                if (index in before or index in (after or {})) and before != after:
                    units = write_units(item_bytes(before), item_bytes(after or {}))
                    self.units.add_write(f"{index} of {key[0]}", units)
        return {"Attributes": after} if asked.get("ReturnValues", "NONE") != "NONE" else {}

    def _charge_transaction(self, keys: Iterable[Key]) -> None:
        """By the items as they are before; under the lock. They grow by little, and stay below a KB."""
        for key in keys:
            self.units.add_write(key[0], 2 * write_units(item_bytes(self._item(key))))

    def _item(self, key: Key) -> Item:
        return self._partitions.get(key[0], {}).get(key[1], {})

    def _put(self, key: Key, item: Item | None) -> None:
        partition = self._partitions.setdefault(key[0], {})
        if item is None:
            partition.pop(key[1], None)
        else:
            partition[key[1]] = {PARTITION_KEY: {"S": key[0]}, SORT_KEY: {"S": key[1]}, **item}


def _key(fields: Mapping[str, Any]) -> Key:
    return fields[PARTITION_KEY]["S"], fields[SORT_KEY]["S"]


def _holds(asked: Mapping[str, Any], item: Item) -> bool:
    text = asked.get("ConditionExpression")
    names, values = asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {})
    return not text or condition(text)(item, names, values)


def _written(asked: Mapping[str, Any], before: Item) -> Item:
    if "Item" in asked:
        return dict(asked["Item"])
    names, values = asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {})
    return apply(asked["UpdateExpression"], before, names, values)


def _canceled(codes: Iterable[str]) -> RefusedError:
    reasons = [{"Code": code} for code in codes]
    told = ", ".join(reason["Code"] for reason in reasons)
    return RefusedError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{told}]",
        CancellationReasons=reasons,
    )
