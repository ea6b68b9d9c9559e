"""Whether this machine is of yesterday, so that one of the deployed version is to take its place.

The deploy makes the new launch template first, and then the function that says of which version machines
should be (contract.fleet_version). A machine that was launched after that was said is what the template gives
now: it never goes, of whatever version it is, so that none is replaced in a circle where half was deployed.
The others go one after another, each in its own moment, and none once a machine of the new version has failed
to be set up: those that work are worth more than those that might.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Any, Final
from zlib import crc32

from contract.boot import FailedBoots, boot_key, fleet_version_key
from contract.fleet_version import FleetVersion

log = logging.getLogger(__name__)

ASK_SECONDS: Final = 60.0
"""From one look to the next, at least: one small read."""
SPREAD: Final = 1.25
SPREAD_SECONDS: Final = 600.0
"""Over which the machines of a fleet go: longer than one boots, so that the first show whether it does."""


def may_go(said: FleetVersion, *, worker_id: str, own_version: str, launched_at: float, now: float) -> bool:
    """Whether a machine's moment has come, if it is of yesterday; times in epoch seconds."""
    if said.worker_version in ("", own_version) or launched_at >= said.since:
        return False
    share = crc32(worker_id.encode()) / 2**32
    return now >= said.since + share * SPREAD_SECONDS


class Succession:
    """Asked by the work loop's thread between two tasks. `dynamodb` is a resource's client, quick to fail.

    `launched_at` and `now` give epoch seconds, `clock` seconds that only go forward.
    """

    def __init__(
        self,
        dynamodb: Any,
        *,
        table: str,
        worker_id: str,
        own_version: str,
        launched_at: Callable[[], float],
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._worker_id = worker_id
        self._own_version = own_version
        self._launched_at = launched_at
        self._now = now
        self._clock = clock
        self._ask_at = clock()
        self._due = False
        self._trouble = ""

    def is_due(self) -> bool:
        """As it was when the table was asked last. Raises nothing."""
        if self._clock() < self._ask_at:
            return self._due
        self._ask_at = self._clock() + random.uniform(ASK_SECONDS, SPREAD * ASK_SECONDS)
        try:
            self._due = self._ask()
            self._trouble = ""
        except Exception as error:  # whatever it is, the worker goes on
            if str(error) != self._trouble:
                log.warning("it is not known of which version this machine should be: %s", error)
            self._trouble = str(error)
        return self._due

    def _ask(self) -> bool:
        said = FleetVersion.from_item(self._item(fleet_version_key()))
        if not may_go(
            said,
            worker_id=self._worker_id,
            own_version=self._own_version,
            launched_at=self._launched_at(),
            now=self._now(),
        ):
            return False
        boots = FailedBoots.from_item(self._item(boot_key(said.deploy_version)))
        if boots.failures:
            log.info("version %s is deployed, but %s: staying", said.worker_version, boots.words)
        return not boots.failures

    def _item(self, key: dict[str, str]) -> Any:
        return self._dynamodb.get_item(TableName=self._table, Key=key).get("Item")
