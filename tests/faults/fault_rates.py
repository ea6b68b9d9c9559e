"""Kinds of faults, how often each comes, and the seeded dice that choose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from tests.faults.aws_calls import AwsCall


class FaultKind(StrEnum):
    SERVER_ERROR = "server_error"
    """500 or 503, not forwarded."""
    THROTTLE = "throttle"
    """The service's own way to say: too fast. Not forwarded."""
    DROP_BEFORE = "drop_before"
    """The connection closes, and nothing was forwarded."""
    DROP_AFTER = "drop_after"
    """The effect took place, and the connection closes instead of the answer."""
    CUT = "cut"
    """The effect took place; the connection closes in the middle of the answer's body."""
    SLOW = "slow"
    """The answer is right, and late."""
    TRANSACTION_CONFLICT = "transaction_conflict"
    """DynamoDB: another transaction is under way on the item. Not forwarded."""
    DUPLICATE_DELIVERY = "duplicate_delivery"
    """SQS: what was just received is visible again at once."""


WRITES: Final = frozenset({"TransactWriteItems", "UpdateItem", "PutItem", "DeleteItem"})
"""Operations of DynamoDB that meet transactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRates:
    """The share of requests, 0 to 1, that meet each fault; a request meets one at most."""

    server_error: float = 0.0
    throttle: float = 0.0
    drop_before: float = 0.0
    drop_after: float = 0.0
    cut: float = 0.0
    slow: float = 0.0
    transaction_conflict: float = 0.0
    """Of DynamoDB's writes."""
    duplicate_delivery: float = 0.0
    """Of SQS's receives."""
    slow_seconds: tuple[float, float] = (0.2, 2.0)


def choose(rates: FaultRates, call: AwsCall, dice: Random) -> FaultKind | None:
    """What this request meets. One throw each, so that the same order of requests meets the same faults."""
    thrown = dice.random()
    for kind in FaultKind:
        if not _concerns(kind, call):
            continue
        thrown -= getattr(rates, kind.value)
        if thrown < 0:
            return kind
    return None


def _concerns(kind: FaultKind, call: AwsCall) -> bool:
    if kind is FaultKind.TRANSACTION_CONFLICT:
        return call.service == "dynamodb" and call.operation in WRITES
    if kind is FaultKind.DUPLICATE_DELIVERY:
        return call.name == "sqs.ReceiveMessage"
    return True
