"""Has a spare Blender started whenever the worker has nothing else to do."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from worker_agent.outcome import InterruptedTaskError
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.seats.spare_blender import SpareBlender

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
REST_SECONDS: Final = 1.0
"""Of nothing to do: from one task to the next there is less."""
FIRST_RETRY_SECONDS: Final = 30.0
LONGEST_RETRY_SECONDS: Final = 3_600.0


class SpareKeeper:
    """A thread that lives as long as the agent, for a caged Blender ends with the thread that started it."""

    def __init__(
        self,
        spare: SpareBlender,
        *,
        rests: Callable[[], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rests` tells whether the worker has nothing in hand, and stays."""
        self._spare = spare
        self._rests = rests
        self._now = now
        self._rests_since: float | None = None
        self._retry_at = 0.0
        self._retry_seconds = FIRST_RETRY_SECONDS

    def start(self) -> None:
        threading.Thread(target=self._run, name="spare-blender", daemon=True).start()

    def look(self) -> None:
        """Start the spare if now is the time for it, and it is not there."""
        now = self._now()
        if not self._rests():
            self._rests_since = None
            return
        if self._rests_since is None:
            self._rests_since = now
        if now - self._rests_since < REST_SECONDS or now < self._retry_at:
            return
        try:
            self._spare.prepare()
            self._retry_seconds = FIRST_RETRY_SECONDS
        except InterruptedTaskError:
            return
        except (RuntimeUnavailableError, OSError) as error:
            log.warning("no spare Blender for %.0f s: %s", self._retry_seconds, error)
            self._retry_at = now + self._retry_seconds
            self._retry_seconds = min(2 * self._retry_seconds, LONGEST_RETRY_SECONDS)

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.look()
