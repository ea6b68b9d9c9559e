"""What DynamoDB would charge for, and how much of it meets on one partition."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Final

from bench.aws_in_memory.occasions import occasion

PARTITION_READ_LIMIT: Final = 3_000
PARTITION_WRITE_LIMIT: Final = 1_000
"""Request units in a second that one partition serves, as AWS writes."""


class RequestUnits:
    """Read and write request units by occasion. Whoever adds holds the table's lock."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self._reads_of: Counter[tuple[str, int]] = Counter()
        self._writes_of: Counter[tuple[str, int]] = Counter()

    def add_read(self, partition: str, units: float) -> None:
        _add(self.reads, occasion(), units)
        _add(self._reads_of, (partition, int(time.monotonic())), units)

    def add_write(self, partition: str, units: float) -> None:
        _add(self.writes, occasion(), units)
        _add(self._writes_of, (partition, int(time.monotonic())), units)

    @property
    def most_reads_a_second(self) -> float:
        """Of one partition key."""
        return max(self._reads_of.values(), default=0)

    @property
    def most_writes_a_second(self) -> float:
        return max(self._writes_of.values(), default=0)


def _add(counter: Counter[Any], key: Any, units: float) -> None:
    """Units may be halves, which a Counter takes as well as whole ones."""
    counter[key] += units  # type: ignore[assignment]  # its stubs know whole numbers only
