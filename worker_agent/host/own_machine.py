"""What this machine is, and what an hour of it costs: as the owner says, Spot does, or the list does."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from contract.prices import MICRODOLLARS, list_price, microdollars
from worker_agent.interruptions.metadata import MetadataClient
from worker_agent.services.back_off import BackOff

log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS: Final = 3600.0
"""Spot's prices change slowly; what machines cost is an estimate anyway."""
FIRST_BACK_OFF_SECONDS: Final = 10.0
SPOT: Final = "spot"
LINUX: Final = "Linux/UNIX"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    instance_type: str = ""
    zone: str = ""
    spot: bool = False
    hour_microdollars: int = 0
    """0: nothing, or nobody knows."""


class OwnMachine:
    """Asks in the thread that calls `ask_if_due`; `facts` is for all. No error of it is anybody's.

    `ec2` makes a client: only a Spot machine needs one. `clock` gives seconds that only go forward.
    """

    def __init__(
        self,
        metadata: MetadataClient,
        *,
        ec2: Callable[[], Any],
        hour_dollars: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metadata = metadata
        self._ec2 = ec2
        self._hour_dollars = hour_dollars
        self._clock = clock
        self._ask_at = clock()
        self._back_off = BackOff(first_seconds=FIRST_BACK_OFF_SECONDS, longest_seconds=ASK_AGAIN_SECONDS)
        self._failing = False
        self._began = time.time()
        self._launched_at: float | None = None
        self._facts = MachineFacts(hour_microdollars=microdollars(hour_dollars or 0))

    @property
    def facts(self) -> MachineFacts:
        """As far as it is known by now."""
        return self._facts

    @property
    def launched_at(self) -> float:
        """Epoch seconds at which EC2 launched it; until that is known, at which the agent started."""
        return self._began if self._launched_at is None else self._launched_at

    def ask_if_due(self) -> None:
        """At the start, each hour, and a while after a failure."""
        if self._clock() < self._ask_at:
            return
        try:
            self._ask()
        except Exception as error:  # whatever it is: frames do not wait for what they cost
            if not self._failing:
                log.warning("what this machine costs is not known for certain: %s", error)
            self._failing = True
            self._ask_at = self._clock() + self._back_off.after_failure()
            return
        self._failing = False
        self._back_off.reset()
        self._ask_at = self._clock() + ASK_AGAIN_SECONDS

    def _ask(self) -> None:
        if not self._facts.instance_type:
            self._facts = self._what_it_is()
        if self._launched_at is None:
            self._launched_at = _launch_time(self._metadata.identity_document())
        if self._hour_dollars is None and self._facts.spot:
            self._facts = replace(self._facts, hour_microdollars=self._spot_price())

    def _what_it_is(self) -> MachineFacts:
        """Spot costs no more than the list says: that counts until its own price is known."""
        kind = self._metadata.get("instance-type") or ""
        by_hand = self._hour_dollars
        return MachineFacts(
            instance_type=kind,
            zone=self._metadata.get("placement/availability-zone") or "",
            spot=self._metadata.get("instance-life-cycle") == SPOT,
            hour_microdollars=list_price(kind) if by_hand is None else microdollars(by_hand),
        )

    def _spot_price(self) -> int:
        now = datetime.now(UTC)
        answer = self._ec2().describe_spot_price_history(
            InstanceTypes=[self._facts.instance_type],
            AvailabilityZone=self._facts.zone,
            ProductDescriptions=[LINUX],
            StartTime=now,  # the price that holds now, though it was set before
            EndTime=now,
        )
        prices = answer["SpotPriceHistory"]
        if not prices:
            raise LookupError(f"EC2 names no Spot price of {self._facts.instance_type} in {self._facts.zone}")
        newest = max(prices, key=lambda price: price["Timestamp"])
        return round(Decimal(newest["SpotPrice"]) * MICRODOLLARS)


def _launch_time(document: str | None) -> float | None:
    """Epoch seconds, or None where it does not say, from an instance's identity document:
    `{"pendingTime": "2026-11-30T08:22:00Z", …}`.
    """
    try:
        return datetime.fromisoformat(json.loads(document or "{}")["pendingTime"]).timestamp()
    except (ValueError, TypeError, KeyError):
        return None
