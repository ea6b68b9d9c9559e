"""A thread that asks the machine every other second whether it will be taken away."""

from __future__ import annotations

import http.client
import logging
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from worker_agent.interruptions.departure import Departure, Notice
from worker_agent.interruptions.metadata import MetadataClient
from worker_agent.interruptions.notices import (
    REBALANCE_PATH,
    SPOT_PATH,
    TARGET_STATE_PATH,
    read_rebalance,
    read_spot,
    read_target_state,
)

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
MAX_BACK_OFF_SECONDS = 60.0
"""Between two looks at a service that does not answer. There is none on a machine that is not EC2's."""

Read = Callable[[str], Notice | None]


class NoticeWatcher:
    """`jitter(low, high)` gives a number between them: a fleet must not ask in step."""

    def __init__(
        self,
        metadata: MetadataClient,
        departure: Departure,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._metadata = metadata
        self._departure = departure
        self._now = now
        self._jitter = jitter
        self._failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notice-watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> float:
        """Ask for every kind of notice once; returns the seconds until the next look."""
        problem = None
        reads: dict[str, Read] = {
            SPOT_PATH: partial(read_spot, now=self._now()),
            REBALANCE_PATH: read_rebalance,
            TARGET_STATE_PATH: read_target_state,
        }
        for path, read in reads.items():  # one that cannot be read must not hide the others
            try:
                text = self._metadata.get(path)
            except (OSError, http.client.HTTPException) as error:
                problem = f"{path}: {error!r}"
                continue
            notice = None if text is None else read(text)
            if notice:
                self._departure.announce(notice)
        return self._delay(problem)

    def _delay(self, problem: str | None) -> float:
        if problem is None:
            if self._failures:
                log.info("the instance metadata service answers again")
            self._failures = 0
            return POLL_SECONDS
        if not self._failures:
            log.warning("no notices can be heard: the instance metadata service fails (%s)", problem)
        self._failures = min(self._failures + 1, 10)
        longest = min(MAX_BACK_OFF_SECONDS, POLL_SECONDS * 2.0**self._failures)
        return self._jitter(longest / 2, longest)

    def _run(self) -> None:
        delay = 0.0
        while not self._stop.wait(delay):
            delay = self.look()
