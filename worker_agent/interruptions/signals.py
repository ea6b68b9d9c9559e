"""SIGTERM and SIGINT: whoever keeps the agent running wants it to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue

from worker_agent.interruptions.departure import Departure, Interruption, Notice


def heed_signals(
    departure: Departure, *, stop_seconds: float, stopping: Callable[[], None] = lambda: None
) -> None:
    """From now on a signal is a notice with so many seconds left, and `stopping` is called once.

    Called by the main thread.
    """
    signals: SimpleQueue[int] = SimpleQueue()
    threading.Thread(
        target=_pass_on, args=(signals, departure, stop_seconds, stopping), name="signals", daemon=True
    ).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        # A handler interrupts whatever its thread was at, locks held: this is all that it may do.
        signal.signal(number, lambda number, _: signals.put(number))


def _pass_on(
    signals: SimpleQueue[int], departure: Departure, stop_seconds: float, stopping: Callable[[], None]
) -> None:
    signals.get()
    stopping()
    departure.announce(Notice(kind=Interruption.STOP, seconds=stop_seconds))
