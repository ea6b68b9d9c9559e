"""Has a spare Blender started whenever the worker has nothing else to do, or will need it soon."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from worker_agent.blender import BlenderKilled
from worker_agent.seats.spare_blender import SpareBlender
from worker_agent.tasks.outcome import InterruptedTaskError

log = logging.getLogger(__name__)

NONE: Final = "no spare Blender"
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
        needs_soon: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rests` tells whether the worker has nothing in hand, and stays; `needs_soon`, whether the Blender
        that renders will be ended after its task, and another one opened."""
        self._spare = spare
        self._rests = rests
        self._needs_soon = needs_soon
        self._now = now
        self._rests_since: float | None = None
        self._retry_at = 0.0
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._made_room = False
        """Whether memory was short since one is needed soon. It takes memory itself, and would be started and
        ended at each look."""
        self._reason = ""
        """Why there was none the last time."""

    def start(self) -> None:
        threading.Thread(target=self._run, name="spare-blender", daemon=True).start()

    def look(self) -> None:
        """Start the spare if now is the time for it, and it is not there; end it where it is in the way."""
        now = self._now()
        if not self._is_time(now) or now < self._retry_at:
            return
        try:
            self._spare.prepare()
            self._retry_seconds = FIRST_RETRY_SECONDS
        except (BlenderKilled, InterruptedTaskError):
            return
        except Exception as error:  # whatever it is, the agent can do without a spare
            self._back_off(error)

    def _is_time(self, now: float) -> bool:
        if not self._rests():
            self._rests_since = None
            needed = self._needs_soon()
            if self._spare.memory_is_short:
                self._spare.close()
                self._made_room = True
            self._made_room = self._made_room and needed
            return needed and not self._made_room
        self._made_room = False
        if self._rests_since is None:
            self._rests_since = now
        return now - self._rests_since >= REST_SECONDS

    def _back_off(self, error: Exception) -> None:
        said = getattr(error, "log", "").strip().rpartition("\n")[2]
        reason = f"{error}; it said last: {said}" if said else str(error)
        if reason != self._reason:
            log.warning("%s for %.0f s: %s", NONE, self._retry_seconds, reason)
        self._reason = reason
        self._retry_at = self._now() + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, LONGEST_RETRY_SECONDS)

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.look()
