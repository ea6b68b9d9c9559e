"""What the farm's machines cost this month by its own count, and what a monthly budget makes of it.

One item for each month (UTC). The measure of each minute adds to it while machines run
(functions/measure_backlog); the listener and the sweep compare it with the budget. An estimate of EC2's hours
alone: files, requests, traffic and disks are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from contract.prices import MICRODOLLARS, cost_of, microdollars
from contract.table import PARTITION_KEY, SORT_KEY

LONGEST_GAP_SECONDS: Final = 180
"""Between two measures while machines run. After a longer one nobody knows since when they do: it counts as
a minute."""
FIRST_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """One month's; a month of which nothing was noted cost nothing."""

    microdollars: int = 0
    machine_seconds: int = 0
    measured_at: int = 0
    """Epoch seconds until which it is counted."""

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> Self:
        """Numbers may be Decimal."""
        names = ("microdollars", "machine_seconds", "measured_at")
        return cls(**{name: int((item or {}).get(name, 0)) for name in names})

    @property
    def dollars(self) -> float:
        return self.microdollars / MICRODOLLARS

    def seconds_until(self, now: int) -> int:
        """That a measure at the epoch second `now` has to count."""
        passed = now - self.measured_at
        return passed if 0 <= passed <= LONGEST_GAP_SECONDS else FIRST_SECONDS


def month_of(moment: datetime) -> str:
    """As in 2026-11."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def spend_key(month: str) -> dict[str, str]:
    return {PARTITION_KEY: f"SPEND#{month}", SORT_KEY: "SPEND"}


def add_spend(
    *, table: str, month: str, before: Spend, machines: int, hour_microdollars: int, now: int
) -> dict[str, Any]:
    """An update that counts so many machines from the measure before until the epoch second `now`.

    Its condition fails when another measure has counted meanwhile: of two at once, one counts.
    """
    seconds = machines * before.seconds_until(now)
    return {
        "TableName": table,
        "Key": spend_key(month),
        "UpdateExpression": "SET measured_at = :now ADD machine_seconds :seconds, microdollars :microdollars",
        "ConditionExpression": "measured_at = :before"
        if before.measured_at
        else "attribute_not_exists(measured_at)",
        "ExpressionAttributeValues": {
            ":now": now,
            ":seconds": seconds,
            ":microdollars": cost_of(seconds, hour_microdollars),
            **({":before": before.measured_at} if before.measured_at else {}),
        },
    }


def over_budget(spend: Spend, budget_dollars: float | None) -> str:
    """Why new work is held, in words for its owner; empty while it is not, or when there is no budget."""
    if not budget_dollars or spend.dollars < budget_dollars:
        return ""
    budget = in_dollars(microdollars(budget_dollars))
    return (
        f"this month's estimate is {in_dollars(spend.microdollars)} of the budget of {budget}: it goes on "
        "next month, when the budget is raised, or with `farm release JOB`"
    )


def in_dollars(amount_microdollars: int) -> str:
    """As people write it: $51.20, and of less than a cent as much as there is."""
    dollars = amount_microdollars / MICRODOLLARS
    if 0 < dollars < 0.01:
        return f"${dollars:.6f}".rstrip("0")
    return f"${dollars:,.2f}".removesuffix(".00")
