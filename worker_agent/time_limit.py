"""Calls that may hang in the kernel, as any on a network file system may."""

from __future__ import annotations

import threading
from collections.abc import Callable

from worker_agent.watchdog import BEAT_SECONDS, still_alive


class TimeLimit:
    """Makes one call at a time in a thread of its own. A call that hangs is never made a second time: it is
    asked again whether it has ended."""

    def __init__(self, name: str, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._running: threading.Thread | None = None
        self._turn = threading.Lock()

    def call(self, function: Callable[[], str], *, late: str) -> str:
        """What the function returns, or `late` when it takes longer than the limit. It must not raise.

        From any thread: each makes its own call, one after the other.
        """
        while not self._turn.acquire(timeout=BEAT_SECONDS):
            still_alive()
        try:
            return self._call(function, late)
        finally:
            self._turn.release()

    def _call(self, function: Callable[[], str], late: str) -> str:
        answers: list[str] = []
        if self._running and self._running.is_alive():
            self._running.join(self._seconds)
            if self._running.is_alive():
                return late
        self._running = threading.Thread(
            target=lambda: answers.append(function()), name=self._name, daemon=True
        )
        self._running.start()
        self._running.join(self._seconds)
        return answers[0] if answers else late
