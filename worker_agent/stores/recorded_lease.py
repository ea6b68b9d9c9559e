"""Leases that stand on a record as a time of day, for machines whose clocks may be wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from worker_agent.tasks.lease import Lease

CLOCK_MARGIN_SECONDS: Final = 300
"""How far two machines' clocks may be apart: a lease that ends later than one begun now, by more than this,
was written by a clock that is wrong, and nobody waits for its end."""


@dataclass(frozen=True, slots=True)
class LeaseCondition:
    """Part of a DynamoDB condition, and the values that it names."""

    condition: str
    values: dict[str, int]


def lapsed_lease(attribute: str, *, now: int, lease_until: int) -> LeaseCondition:
    """Holds when the lease on the record is over, or further ahead than anybody's can be.

    `attribute` holds the lease's end; `now` is this machine's time, `lease_until` the end of the lease that
    it would write, all in seconds since 1970. A record without the attribute has no lease that lapses.
    """
    return LeaseCondition(
        f"({attribute} < :lease_now OR {attribute} > :lease_furthest)",
        {":lease_now": now, ":lease_furthest": lease_until + CLOCK_MARGIN_SECONDS},
    )


def recorded_end(lease: Lease) -> int:
    """When a lease that is renewed now ends, in seconds since 1970."""
    return int(time.time()) + lease.seconds
