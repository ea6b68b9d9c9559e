"""When an open Blender has grown so much that it is closed and its scene opened anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from contract.archives import GIB, size_in_words

FIRST_LOOKS: Final = 3
"""After so many tasks a scene has what it keeps from one frame to the next."""
GROWTH_FACTOR: Final = 2.0
GROWTH_BYTES: Final = GIB
SHARE_OF_MEMORY: Final = 0.7
"""From there on a session that has grown is opened anew, whatever that costs: it would be killed soon."""
LEAST_GROWTH_FACTOR: Final = 1.25
"""A scene that is merely large is as large again when it has been opened anew."""
OPENINGS_APART: Final = 20
"""What opening a scene anew may cost: one part in so many of the time."""


class SessionGrowth:
    """One open scene's memory, looked at between two tasks. `now` gives seconds that only go forward."""

    def __init__(
        self, *, most_bytes: int, opening_seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`most_bytes` is what it is killed at; `opening_seconds` how long its start and its opening took."""
        self._most_bytes = most_bytes
        self._opening_seconds = opening_seconds
        self._now = now
        self._opened_at = now()
        self._looks = 0
        self._first_bytes = 0

    def look(self, memory_bytes: int, sessions: int = 1) -> str:
        """Why this session, one of so many at once, is to be opened anew, in words; empty when it is not."""
        self._looks += 1
        if self._looks <= FIRST_LOOKS:
            self._first_bytes = max(self._first_bytes, memory_bytes)
            return ""
        grown = f"it has grown from {size_in_words(self._first_bytes)} to {size_in_words(memory_bytes)}"
        in_danger = memory_bytes >= SHARE_OF_MEMORY * self._most_bytes / sessions
        if in_danger and memory_bytes >= LEAST_GROWTH_FACTOR * self._first_bytes:
            most = size_in_words(self._most_bytes)
            return f"{grown}, and " + (f"{sessions} share {most}" if sessions > 1 else f"would end at {most}")
        paid_off = self._now() - self._opened_at >= OPENINGS_APART * self._opening_seconds
        if paid_off and memory_bytes > GROWTH_FACTOR * self._first_bytes + GROWTH_BYTES:
            return grown
        return ""
