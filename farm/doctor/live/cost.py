"""What a live examination may cost: one machine of the farm for as long as it may take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from contract.prices import MICRODOLLARS, list_price
from farm.plain_errors import MisusedError

MOST_DOLLARS: Final = 1.0
REQUESTS_DOLLARS: Final = 0.01
"""Far above what its few hundred requests, Lambda seconds and kilobytes cost."""


def most_dollars(
    instance_types: Iterable[str], *, hour_dollars: float | None, seconds: float
) -> float | None:
    """At list price, of the dearest type, unless the owner has said what an hour costs (`hour_dollars`).

    None when a type's price is not known. Raises MisusedError for more than a dollar.
    """
    hours = [hour_dollars] if hour_dollars is not None else [_listed(each) for each in instance_types]
    known = [each for each in hours if each is not None]
    if not known or len(known) < len(hours):
        return None
    dollars = max(known) * seconds / 3600 + REQUESTS_DOLLARS
    if dollars > MOST_DOLLARS:
        raise MisusedError(
            f"a machine of this farm may cost ${max(known):.2f} an hour, {seconds / 60:.0f} minutes of it"
            f" ${dollars:.2f}: expected ${MOST_DOLLARS:.2f} at most. Try it on a farm of smaller machines"
        )
    return dollars


def _listed(instance_type: str) -> float | None:
    price = list_price(instance_type)
    return price / MICRODOLLARS if price else None
