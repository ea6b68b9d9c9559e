"""What a live examination may cost: one machine of the farm for as long as it may take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from contract.prices import MICRODOLLARS, list_price
from farm.plain_errors import MisusedError

MOST_DOLLARS: Final = 1.0
REQUESTS_DOLLARS: Final = 0.01
"""Far above what its few hundred requests, Lambda seconds and kilobytes cost."""


def most_dollars(instance_types: Iterable[str], *, hour_dollars: float | None, seconds: float) -> float:
    """At list price, of the dearest type, unless the owner has said what an hour costs (`hour_dollars`).

    Raises MisusedError for more than a dollar, and for a type whose price is not known.
    """
    prices = {each: _listed(each) for each in instance_types}
    unknown = [each for each, price in prices.items() if price is None]
    hour = hour_dollars
    if hour is None:
        if unknown or not prices:
            raise MisusedError(
                f"the list price of {', '.join(unknown) or 'its machines'} is not known here: expected a"
                f" farm that was deployed with worker_hour_dollars, so that ${MOST_DOLLARS:.2f} can be kept"
            )
        hour = max(price for price in prices.values() if price is not None)
    dollars = hour * seconds / 3600 + REQUESTS_DOLLARS
    if dollars > MOST_DOLLARS:
        raise MisusedError(
            f"a machine of this farm may cost ${hour:.2f} an hour, {seconds / 60:.0f} minutes of it"
            f" ${dollars:.2f}: expected ${MOST_DOLLARS:.2f} at most. Try it on a farm of smaller machines"
        )
    return dollars


def _listed(instance_type: str) -> float | None:
    price = list_price(instance_type)
    return price / MICRODOLLARS if price else None
