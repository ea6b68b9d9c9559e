"""The month's estimate, and what a budget makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from contract.spend import FIRST_SECONDS, LONGEST_GAP_SECONDS, Spend, in_dollars, month_of, over_budget


def test_a_month_is_one_of_utc() -> None:
    newyear = datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert month_of(newyear) == "2026-12"
    assert month_of(datetime(2027, 1, 1, tzinfo=UTC)) == "2027-01"


def test_numbers_may_be_decimal_and_nothing_is_nothing() -> None:
    item = {"microdollars": Decimal(5), "machine_seconds": Decimal(6), "measured_at": Decimal(7), "pk": "x"}
    assert Spend.from_item(item) == Spend(microdollars=5, machine_seconds=6, measured_at=7)
    assert Spend.from_item(None) == Spend()


@pytest.mark.parametrize(
    ("passed", "counted"),
    [
        (1, 1),
        (60, 60),
        (LONGEST_GAP_SECONDS, LONGEST_GAP_SECONDS),
        (LONGEST_GAP_SECONDS + 1, FIRST_SECONDS),
        (86_400, FIRST_SECONDS),
        (-5, FIRST_SECONDS),
    ],
)
def test_a_pause_of_the_measure_does_not_count_as_hours(passed: int, counted: int) -> None:
    assert Spend(measured_at=1_000_000).seconds_until(1_000_000 + passed) == counted


def test_a_budget_holds_from_itself_on() -> None:
    assert over_budget(Spend(microdollars=49_999_999), 50) == ""
    assert over_budget(Spend(microdollars=51_200_000), 50) == (
        "this month's estimate is $51.20 of the budget of $50: it goes on next month, when the budget is "
        "raised, or with `farm release JOB`"
    )
    assert over_budget(Spend(microdollars=50_000_000), 50)


@pytest.mark.parametrize("none", [None, 0, 0.0])
def test_no_budget_holds_nothing(none: float | None) -> None:
    assert over_budget(Spend(microdollars=10**12), none) == ""


@pytest.mark.parametrize(
    ("microdollars", "words"),
    [
        (0, "$0"),
        (1, "$0.000001"),
        (1_500, "$0.0015"),
        (10_000, "$0.01"),
        (51_200_000, "$51.20"),
        (2_000_000, "$2"),
        (1_234_567_890_000, "$1,234,567.89"),
    ],
)
def test_money_as_people_write_it(microdollars: int, words: str) -> None:
    assert in_dollars(microdollars) == words
