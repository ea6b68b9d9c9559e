"""Whether the agent still gets anywhere, told from the threads that do its work.

No thread beats for another: a beat says that its own thread has got somewhere, or that it waits for something
with a limit. When one of them says nothing for as long as WatchdogSec (render-worker.service), systemd ends
the agent, with every thread's stack in the journal, and starts another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

BEAT_SECONDS: Final = 2.0
"""What may wait for long waits in parts of this length at most, and beats in between."""

_beat: ContextVar[Callable[[], None] | None] = ContextVar("beat", default=None)


class Watchdog:
    """Says `alive` whenever each of its parts has beaten since it was said last. For any thread."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive
        self._lock = threading.Lock()
        self._parts: set[str] = set()
        self._silent: set[str] = set()

    def part(self, name: str) -> Callable[[], None]:
        """The beat of another thread that has to be heard. Raises ValueError for a name that is taken."""
        with self._lock:
            if name in self._parts:
                raise ValueError(f"the watchdog has a part named {name!r} already: give each thread its own")
            self._parts.add(name)
            self._silent.add(name)
        return lambda: self._hear(name)

    def _hear(self, name: str) -> None:
        with self._lock:
            self._silent.discard(name)
            complete = not self._silent
            if complete:
                self._silent = set(self._parts)
        if complete:
            self._alive()


@contextmanager
def beating_with(beat: Callable[[], None]) -> Iterator[None]:
    """Inside, what this thread does says so through `beat` (see `still_alive`)."""
    token = _beat.set(beat)
    try:
        yield
    finally:
        _beat.reset(token)


def still_alive() -> None:
    """This thread got somewhere, or waits for something with a limit. Nothing where nobody watches it."""
    if beat := _beat.get():
        beat()


def beat_of_this_thread() -> Callable[[], None]:
    """What `still_alive` would call, for other threads that do parts of its work, as transfers do."""
    return _beat.get() or (lambda: None)
