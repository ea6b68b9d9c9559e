"""Whether this worker has to go, why, and how many seconds it has left: whoever wants to know asks here."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

log = logging.getLogger(__name__)


class Interruption(StrEnum):
    """Why a worker has to go, the hardest reason first."""

    STOP = "STOP"
    """SIGTERM or SIGINT: the agent ends."""
    SPOT = "SPOT"
    """The machine is taken back at a given time."""
    SCALE_IN = "SCALE_IN"
    """The group has chosen the machine to go, and waits a while for the agent's word."""
    REBALANCE = "REBALANCE"
    """The machine may be taken back before long; nothing more may come of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One interruption as it was heard of."""

    kind: Interruption
    seconds: float
    """Left from now on, 0 or more."""
    name: str = ""
    """Tells it from another of its kind: the same notice is read again and again."""


class Departure:
    """Told by the watcher and by signals, asked by everything. Safe to use from any thread.

    `clock` gives seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._deadlines: dict[Interruption, float] = {}
        self._heard: set[tuple[Interruption, str]] = set()
        self._announcements = 0

    def announce(self, notice: Notice) -> None:
        """The worker has to go. The same notice again changes nothing, a harder one shortens the time."""
        with self._changed:
            if (notice.kind, notice.name) in self._heard:
                return
            self._heard.add((notice.kind, notice.name))
            deadline = self._clock() + max(0.0, notice.seconds)
            self._deadlines[notice.kind] = min(deadline, self._deadlines.get(notice.kind, math.inf))
            self._announcements += 1
            self._changed.notify_all()
        log.warning("%s: this worker has to go within %.0f s", notice.kind, self.seconds_left())

    def call_off(self, kind: Interruption) -> None:
        """Nothing came of it. The notices of this kind that were heard are never heeded again."""
        with self._changed:
            self._deadlines.pop(kind, None)

    def has(self, kind: Interruption) -> bool:
        with self._changed:
            return kind in self._deadlines

    @property
    def kind(self) -> Interruption | None:
        """The hardest reason to go that there is."""
        with self._changed:
            return next((kind for kind in Interruption if kind in self._deadlines), None)

    @property
    def leaving(self) -> bool:
        """True: nothing new may be begun."""
        with self._changed:
            return bool(self._deadlines)

    def seconds_left(self) -> float:
        """Until the first deadline, 0 or more; infinite when nothing takes this worker away."""
        with self._changed:
            return max(0.0, min(self._deadlines.values(), default=math.inf) - self._clock())

    @property
    def announcements(self) -> int:
        """How many notices there were: the moment to wait from (see `wait`)."""
        with self._changed:
            return self._announcements

    def wait(self, seconds: float, seen: int) -> None:
        """Sleep, at most until there is a notice that is none of the `seen` ones."""
        with self._changed:
            self._changed.wait_for(lambda: self._announcements != seen, timeout=seconds)
