"""The most Blenders that a job may have at once on this worker, after more of them were too many."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from contract.blender_sessions import MOST_BLENDER_SESSIONS

FIRST_WAIT_SECONDS: Final = 1_800.0
"""Until more are tried again, which may cost a frame's time; twice as long after each further fall."""
LONGEST_WAIT_SECONDS: Final = 8 * 3_600.0
HELD_TURNS: Final = 10
"""And so many tasks have ended well meanwhile: time without any says nothing."""


class SessionCeiling:
    """Falls at once when it is too high, and rises again in rare steps, half of what is missing each.

    `now` gives seconds that only go forward.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.most = MOST_BLENDER_SESSIONS
        self._now = now
        self._held = MOST_BLENDER_SESSIONS
        """The number before the last step up: what has failed with more falls back to it."""
        self._allowed = MOST_BLENDER_SESSIONS
        """The ceiling before the last step up."""
        self._goal = 0
        """Where it fell from, and is to come back to."""
        self._wait_seconds = 0.0
        self._due_at = 0.0
        self._turns = 0

    @property
    def is_lowered(self) -> bool:
        """Whether it has fallen, and not come back to where it was."""
        return self.most < self._goal

    def fail(self, sessions: int, goal: int) -> None:
        """A frame has failed while so many were open. `goal`: as many as would be wanted.

        Those that fail together are one fall: after the first of them, the others were beside too many.
        """
        if sessions <= self.most:
            self.lower(self._held if sessions > self._held else sessions // 2, max(sessions, goal))

    def lower(self, most: int, goal: int) -> None:
        """No more than so many, at least 1, for as long as it takes until more are tried."""
        self._goal = max(self._goal, goal) if self.is_lowered else goal
        self.most = self._held = max(1, most)
        self._wait_seconds = min(2 * self._wait_seconds or FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        self._wait_anew()

    def hold(self) -> None:
        """A task has ended well."""
        self._turns += 1

    def following(self, sessions: int) -> int:
        """How many to try after so many; no more than these when it is too soon, or they are all."""
        if not self.is_lowered or self._turns < HELD_TURNS or self._now() < self._due_at:
            return sessions
        return min(2 * sessions, sessions + math.ceil((self._goal - sessions) / 2))

    def rise(self, sessions: int, following: int) -> None:
        """More are tried now, if they are more."""
        if following <= sessions:
            return
        self._held = sessions
        self._allowed = self.most
        self.most = max(self.most, following)
        self._wait_anew()

    def take_back(self, tried: int) -> None:
        """The last step up, to so many, has brought nothing. If it raised the ceiling, that falls again, and
        the wait is longer; so many that were allowed before have not become too many.
        """
        if tried > self._allowed:
            self.lower(self._held, self._goal)

    def _wait_anew(self) -> None:
        self._due_at, self._turns = self._now() + self._wait_seconds, 0
