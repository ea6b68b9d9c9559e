"""What requests cost by AWS's price lists for us-east-1, in dollars. A table, and no question to AWS.

As quoted in 2026 by several public pages that agree (of SQS in March and June 2026; of DynamoDB since its
reduction of November 2024). AWS's own pages were not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_MILLION: Final = 1_000_000

QUEUE_REQUEST: Final = 0.40 / _MILLION
"""Any, an empty look too; a batch of ten is one as long as it is below 64 KB."""
WRITE_UNIT: Final = 0.625 / _MILLION
READ_UNIT: Final = 0.125 / _MILLION
PUT_OBJECT: Final = 0.005 / 1_000
GET_OBJECT: Final = 0.0004 / 1_000
LOG_BYTE: Final = 0.50 / 1_000_000_000
"""Taken in; that it is kept for a month is not counted."""
LAMBDA_REQUEST: Final = 0.20 / _MILLION
LAMBDA_GB_SECOND: Final = 0.0000166667
"""x86-64."""

_OBJECTS: Final[Mapping[str, float]] = {"GetObject": GET_OBJECT, "HeadObject": GET_OBJECT}


def dollars_of(call: str) -> float:
    """One request, by its service and operation; DynamoDB charges by units, CloudWatch's logs by bytes, and
    Auto Scaling nothing."""
    service, _, operation = call.partition(".")
    if service == "s3":
        return 0.0 if operation == "DeleteObject" else _OBJECTS.get(operation, PUT_OBJECT)
    return QUEUE_REQUEST if service == "sqs" else 0.0
