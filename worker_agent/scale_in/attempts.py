"""What a worker wants of its group and does not get: when to ask again, and what to say of it."""

from __future__ import annotations

import logging
import random
from typing import Final

from worker_agent.scale_in.group import NotInServiceError
from worker_agent.services.back_off import BackOff
from worker_agent.services.transient import is_busy

log = logging.getLogger(__name__)

REFUSED_SECONDS: Final = 300.0
"""How long a refusal that is meant is left alone: the group may not be smaller, or calls are forbidden."""
FIRST_BACK_OFF_SECONDS: Final = 5.0
LONGEST_BACK_OFF_SECONDS: Final = 120.0


class Attempts:
    """`because` says what the worker asks for: "idle"."""

    def __init__(self, because: str) -> None:
        self._because = because
        self._back_off = BackOff(
            first_seconds=FIRST_BACK_OFF_SECONDS, longest_seconds=LONGEST_BACK_OFF_SECONDS
        )
        self._said = ""

    def seconds_after(self, error: Exception) -> float:
        """Until the next try; what is not over soon is said once."""
        if is_busy(error):
            log.info("%s, but the fleet's size cannot be looked after now: %s", self._because, error)
            return self._back_off.after_failure()
        trouble = f"{type(error).__name__}: {error}"
        if trouble != self._said:
            log.warning("%s, but this machine cannot be ended: %s", self._because, error)
        self._said = trouble
        if isinstance(error, NotInServiceError):  # of a machine that still starts
            return self._back_off.after_failure()
        return random.uniform(REFUSED_SECONDS / 2, REFUSED_SECONDS)

    def succeeded(self) -> None:
        """What fails from now on is new."""
        self._said = ""
        self.begin_anew()

    def begin_anew(self) -> None:
        """The next failure is the first in a row."""
        self._back_off.reset()
