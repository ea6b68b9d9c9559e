"""Clocks and waits of this process that go slower or quicker than the world's.

A thousand agents have a thousand machines, and this computer has two cores. When a second of theirs takes
twenty of the world's, the cores suffice for all of them, and all waits (frames, services, back-offs, leases)
keep their proportions. With long frames a clock that is quicker does the same in less time.

Only Python's clocks and waits are turned: what a C library waits for with a time limit of its own goes on as
ever.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

_monotonic, _time, _sleep, _clock_gettime = time.monotonic, time.time, time.sleep, time.clock_gettime
_wait = threading.Condition.wait


def turn(speed: float) -> None:
    """Let the clocks go so many times as quick from now on; once in a process.

    Before anything is imported that keeps a clock's function, as a default does.
    """
    origin: Final = {read: read() for read in (_monotonic, _time)}
    boot: Final[dict[int, float]] = {}

    def turned(read: Any) -> Any:
        return lambda: origin[read] + (read() - origin[read]) * speed

    def clock_gettime(clock: int) -> float:
        now = _clock_gettime(clock)
        began = boot.setdefault(clock, now)
        return began + (now - began) * speed

    def wait(self: threading.Condition, timeout: float | None = None) -> bool:
        return _wait(self, None if timeout is None else timeout / speed)

    time.monotonic, time.time = turned(_monotonic), turned(_time)
    time.clock_gettime = clock_gettime
    time.sleep = lambda seconds, /: _sleep(float(seconds) / speed)
    threading.Condition.wait = wait  # type: ignore[method-assign]  # events and queues wait by it


def world_seconds() -> float:
    """As the world's clock has it, whatever was turned."""
    return _monotonic()


def world_sleep(seconds: float) -> None:
    _sleep(seconds)
