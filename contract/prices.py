"""What an hour of a machine costs by AWS's price list, as far as it is written here.

A table, and no question to AWS: the service that knows list prices answers in few regions only, and all that
is made from this is an estimate. What Spot costs at the moment is asked for by the machines themselves
(worker_agent/host/own_machine.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Final

LISTED_IN: Final = "us-east-1"
"""Other regions cost up to 60 percent more; the variable worker_hour_dollars says it exactly."""
LISTED_ON: Final = "2026-01"
"""Copied from a table that the Karpenter project makes of AWS's price service (aws/karpenter-provider-aws,
zz_generated.pricing_aws.go of 2026-01-19). AWS's own page was not read."""

_XLARGE_DOLLARS: Final[Mapping[str, float]] = {
    "m5": 0.192,
    "m5a": 0.172,
    "m5ad": 0.206,
    "m5d": 0.226,
    "m5dn": 0.272,
    "m5n": 0.238,
    "m5zn": 0.3303,
    "m6a": 0.1728,
    "m6i": 0.192,
    "m6id": 0.2373,
    "m6idn": 0.31824,
    "m6in": 0.27846,
    "m7a": 0.23184,
    "m7i": 0.2016,
    "m7i-flex": 0.19152,
    "m8a": 0.24344,
    "m8i": 0.21168,
    "m8i-flex": 0.2011,
    "c5": 0.17,
    "c5a": 0.154,
    "c5ad": 0.172,
    "c5d": 0.192,
    "c5n": 0.216,
    "c6a": 0.153,
    "c6i": 0.17,
    "c6id": 0.2016,
    "c6in": 0.2268,
    "c7a": 0.20528,
    "c7i": 0.1785,
    "c7i-flex": 0.16958,
    "c8a": 0.21554,
    "c8i": 0.18742,
    "c8i-flex": 0.17804,
    "r5": 0.252,
    "r5a": 0.226,
    "r5ad": 0.262,
    "r5b": 0.298,
    "r5d": 0.288,
    "r5dn": 0.334,
    "r5n": 0.298,
    "r6a": 0.2268,
    "r6i": 0.252,
    "r6id": 0.3024,
    "r6idn": 0.39078,
    "r6in": 0.34866,
    "r7a": 0.3043,
    "r7i": 0.2646,
    "r7iz": 0.372,
    "r8a": 0.31952,
    "r8i": 0.27784,
    "r8i-flex": 0.26394,
}
"""An hour On-Demand, with Linux. In these families a machine of twice the size costs twice as much."""
_SMALLER: Final[Mapping[str, float]] = {"medium": 0.25, "large": 0.5}
"""How much of an xlarge they are."""
MICRODOLLARS: Final = 1_000_000


def list_price(instance_type: str) -> int:
    """Microdollars that an hour of an instance type costs On-Demand; 0 when nobody knows.

    An m, c or r family that is not in the table costs what the dearest of its letter there does. Of other
    letters, machines with GPUs among them, and of bare metal nothing is known.
    """
    family, _, size = instance_type.partition(".")
    found = re.fullmatch(r"([0-9]*)xlarge", size)
    xlarges = float(found[1] or 1) if found else _SMALLER.get(size, 0.0)
    dollars = _XLARGE_DOLLARS.get(family, 0.0)
    if not dollars and re.fullmatch(r"[mcr][0-9]+[a-z-]*", family):
        dollars = max(price for name, price in _XLARGE_DOLLARS.items() if name[0] == family[0])
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
