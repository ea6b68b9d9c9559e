"""A machine whose trouble does not end, a full disk or a lost file system: another has to take its place.

It does no work, and the group counts on it: while there are as many tasks as machines nobody is too many, and
where it has the only place, its job would wait for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from worker_agent.scale_in.attempts import Attempts

LASTING_SECONDS: Final = 600.0
"""A disk may yet be cleared, and a file system come back."""
PAUSE_SECONDS: Final = 180.0
"""So long without any, and the trouble was over. Shorter, and it may be met by tasks alone, each of which is
given back and comes again."""


class LastingTrouble:
    """`replace` ends this machine so that another is started, or raises. Used by the work loop's thread."""

    def __init__(self, replace: Callable[[], None], clock: Callable[[], float]) -> None:
        self._replace = replace
        self._clock = clock
        self._attempts = Attempts("in trouble")
        self._since = self._met_at = float("-inf")
        self._act_at = 0.0

    def met(self) -> None:
        """There is trouble, just now. Raises nothing, and calls nobody more often than it should."""
        now = self._clock()
        if now - self._met_at > PAUSE_SECONDS:
            self._since = now
        self._met_at = now
        if now < max(self._since + LASTING_SECONDS, self._act_at):
            return
        try:
            self._replace()
            self.over()
        except Exception as error:  # whatever it is, the worker goes on looking whether its trouble is over
            self._act_at = now + self._attempts.seconds_after(error)

    def over(self) -> None:
        """A task was done here, or the machine is about to end."""
        self._met_at, self._act_at = float("-inf"), 0.0
        self._attempts.succeeded()
