"""What an hour of a machine costs by AWS's price list, as far as it is written here.

A table, and no question to AWS: the service that knows list prices answers in few regions only, and all that
is made from this is an estimate. What Spot costs at the moment is asked for by the machines themselves
(worker_agent/own_machine.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Final

LISTED_IN: Final = "us-east-1"
"""Other regions cost up to 60 percent more; the variable worker_hour_dollars says it exactly."""
LISTED_ON: Final = "2026-11"

_XLARGE_DOLLARS: Final[Mapping[str, float]] = {
    "m5": 0.192,
    "m5a": 0.172,
    "m6i": 0.192,
    "m6a": 0.1728,
    "m7i": 0.2016,
    "m7a": 0.23184,
    "c5": 0.17,
    "c5a": 0.154,
    "c6i": 0.17,
    "c6a": 0.153,
    "c7i": 0.1785,
    "c7a": 0.20528,
    "r5": 0.252,
    "r5a": 0.226,
    "r6i": 0.252,
    "r6a": 0.2268,
    "r7i": 0.2646,
    "r7a": 0.3043,
}
"""An hour On-Demand, with Linux. In these families a machine of twice the size costs twice as much."""
MICRODOLLARS: Final = 1_000_000


def list_price(instance_type: str) -> int:
    """Microdollars that an hour of an instance type costs On-Demand; 0 when nobody knows.

    A family that is not in the table costs what the dearest of its letter does: an m8i as an m7a. Of other
    letters, machines with GPUs among them, nothing is known.
    """
    family, _, size = instance_type.partition(".")
    found = re.fullmatch(r"([0-9]*)xlarge", size)
    xlarges = 0.5 if size == "large" else float(found[1] or 1) if found else 0.0
    kin = [price for name, price in _XLARGE_DOLLARS.items() if re.match(rf"{family[:1]}[0-9]", name)]
    alike = re.fullmatch(r"[mcr][0-9]+(i|a)?", family)
    dollars = _XLARGE_DOLLARS.get(family) or (max(kin) if alike and kin else 0.0)
    return microdollars(dollars * xlarges)


def mean_list_price(instance_types: Iterable[str]) -> int:
    """Microdollars an hour of machines of these types, those left out that nobody knows the price of."""
    known = [price for price in map(list_price, instance_types) if price]
    return round(fmean(known)) if known else 0


def microdollars(dollars: float) -> int:
    return round(dollars * MICRODOLLARS)


def cost_of(seconds: int, hour_microdollars: int) -> int:
    """Microdollars for so many seconds of a machine."""
    return round(seconds * hour_microdollars / 3600)
