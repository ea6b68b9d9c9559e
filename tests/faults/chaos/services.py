"""The services as the agents meet them: behind a proxy that has all of their bad days at once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.faults.proxy import FaultProxy, FaultRates, HowDown

RATES: Final = FaultRates(
    server_error=0.006,
    throttle=0.006,
    drop_before=0.006,
    drop_after=0.006,
    cut=0.005,
    slow=0.005,
    slow_seconds=(0.2, 1.0),
    transaction_conflict=0.05,
    duplicate_delivery=0.02,
)
"""A frame takes some ten requests: hundreds of each kind in a run of 5,000."""
OUTAGE_SECONDS: Final = (1.0, 5.0)
_SERVICES: Final = ("sqs", "dynamodb", "s3")
_HOW: Final[tuple[HowDown, ...]] = ("error", "throttle", "refuse")


@dataclass(slots=True)
class Services:
    proxy: FaultProxy
    _seen: dict[tuple[str, str], None] = field(default_factory=dict)

    def take_one_down(self, dice: random.Random) -> bool:
        self.proxy.take_down(dice.choice(_SERVICES), dice.uniform(*OUTAGE_SECONDS), dice.choice(_HOW))
        return True

    def latest_receipts(self) -> list[tuple[str, str]]:
        """Queue and receipt of what agents received a moment ago, the newest last."""
        return [(receipt.queue_url, receipt.handle) for receipt in self.proxy.receipts]

    def note_receipts(self) -> None:
        """Keep them: the proxy forgets the older ones."""
        self._seen |= dict.fromkeys(self.latest_receipts())

    @property
    def receipts(self) -> list[tuple[str, str]]:
        """All that were noted."""
        return list(self._seen)

    @property
    def requests(self) -> int:
        """How many there were so far."""
        return self.proxy.counts.requests.total()

    @property
    def counts(self) -> Counter[str]:
        faults = self.proxy.counts.faults
        counts = Counter({kind.value.replace("_", " "): count for kind, count in faults.items()})
        counts["requests to services that were down"] = self.proxy.counts.while_down.total()
        counts["requests in all"] = self.requests
        return +counts


@contextmanager
def behind_a_proxy(endpoint: str, seed: int, *, faults: bool) -> Iterator[Services]:
    proxy = FaultProxy(endpoint, seed=seed, rates=RATES if faults else FaultRates()).start()
    try:
        yield Services(proxy)
    finally:
        proxy.stop()
