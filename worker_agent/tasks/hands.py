"""The threads that do what the work loop has claimed: more than one, so that one can render while another
uploads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from worker_agent.watchdog import BEAT_SECONDS, beating_with, still_alive

BESIDE_BLENDERS: Final = 2
"""Hands besides those that render: one uploads what it has rendered, one waits for its turn."""


class Hands:
    """`part` gives the beat of a thread that has to be heard (Watchdog.part)."""

    def __init__(
        self,
        *,
        count: int = 1 + BESIDE_BLENDERS,
        part: Callable[[str], Callable[[], None]] = lambda _: lambda: None,
    ) -> None:
        self._count = count
        self._changed = threading.Condition()
        self._changes = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self._busy = 0
        self._errors: deque[Exception] = deque()
        self._ended = 0
        self._stopping = False
        self._threads = [
            threading.Thread(
                target=self._work, args=(part(f"hand {number}"),), name=f"hand-{number}", daemon=True
            )
            for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Once nothing is in them."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def busy(self) -> int:
        """How many are at work, or about to be."""
        with self._changed:
            return self._busy

    @property
    def are_full(self) -> bool:
        return self.busy >= self._count

    def give(self, work: Callable[[], None]) -> None:
        """Have it done, by a free hand."""
        with self._changed:
            self._busy += 1
            self._waiting.append(work)
            self._changed.notify_all()

    def ended(self) -> tuple[int, list[Exception]]:
        """How many have ended since this was asked last, and with which errors."""
        with self._changed:
            ended, errors = self._ended, list(self._errors)
            self._ended = 0
            self._errors.clear()
        return ended, errors

    @property
    def changes(self) -> int:
        """How many changes there were: the moment to wait from (see `wait`)."""
        with self._changed:
            return self._changes

    def stir(self) -> None:
        """Wake who waits: something that is waited for may have changed."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def wait(self, seconds: float, seen: int) -> None:
        """Sleep, at most until there is a change that is none of the `seen` ones; no longer than a beat."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen, timeout=min(seconds, BEAT_SECONDS))

    def _work(self, beat: Callable[[], None]) -> None:
        with beating_with(beat):
            while work := self._next():
                try:
                    work()
                except Exception as error:  # the loop's to judge
                    self._end(error)
                else:
                    self._end(None)

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._waiting and not self._stopping:
                self._changed.wait(BEAT_SECONDS)
                still_alive()
            return self._waiting.popleft() if self._waiting else None

    def _end(self, error: Exception | None) -> None:
        with self._changed:
            self._busy -= 1
            self._ended += 1
            self._changes += 1
            if error is not None:
                self._errors.append(error)
            self._changed.notify_all()
