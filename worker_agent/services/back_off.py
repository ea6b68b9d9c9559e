"""How long to wait before what failed is tried again: ever longer, and never in step with others."""

from __future__ import annotations

import random
from collections.abc import Callable

_MOST_DOUBLINGS = 10  # a service that is away for a day must not overflow the number


class BackOff:
    """`jitter(low, high)` gives a number between them."""

    def __init__(
        self,
        *,
        first_seconds: float,
        longest_seconds: float,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._jitter = jitter
        self._failures = 0

    def after_failure(self) -> float:
        """Seconds to wait: the second half of a span that doubles with each failure in a row."""
        doublings = min(self._failures, _MOST_DOUBLINGS)
        span = min(self._longest_seconds, self._first_seconds * 2.0**doublings)
        self._failures += 1
        return self._jitter(span / 2, span)

    def reset(self) -> None:
        """It has succeeded."""
        self._failures = 0
