"""How long the services take, in seconds: typical of what they take from a machine in their own region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """DynamoDB's is "single-digit milliseconds" in AWS's words; of the others AWS promises nothing, and these
    are round numbers. Those of transactions are the model of tests/faults/meeting_transactions.py.
    """

    table: float = 0.005
    transaction_least: float = 0.010
    transaction_most: float = 0.020
    """A transaction is in flight as long as it takes."""
    queue: float = 0.010
    bucket: float = 0.050
    other: float = 0.050

    @classmethod
    def none(cls) -> Self:
        return cls(table=0, transaction_least=0, transaction_most=0, queue=0, bucket=0, other=0)
