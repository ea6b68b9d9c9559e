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
from collections.abc import Callable
from typing import Any, Final

_monotonic, _time, _sleep, _clock_gettime = time.monotonic, time.time, time.sleep, time.clock_gettime
_wait = threading.Condition.wait
_CLOCKS: Final = (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)


_speed = 1.0
_turned_at: dict[Any, tuple[float, float]] = {}
"""Of each clock: what it said in the world when it was turned last, and what it said here."""


def take_over() -> None:
    """Let the clocks be `turn`'s from now on.

    Before anything is imported that keeps a clock's function, as a default does.
    """

    def clock(read: Callable[[], float]) -> Callable[[], float]:
        return lambda: _here(read, read())

    def clock_gettime(number: int) -> float:
        return _here(number, _clock_gettime(number))

    def wait(self: threading.Condition, timeout: float | None = None) -> bool:
        return _wait(self, None if timeout is None else timeout / _speed)

    time.monotonic, time.time = clock(_monotonic), clock(_time)
    time.clock_gettime = clock_gettime
    time.sleep = lambda seconds, /: _sleep(float(seconds) / _speed)
    threading.Condition.wait = wait  # type: ignore[method-assign]  # events and queues wait by it


def turn(speed: float) -> None:
    """Let them go so many times as quick as the world's. No clock jumps by it."""
    global _speed  # one process has one
    worlds: dict[Any, float] = {
        _monotonic: _monotonic(),
        _time: _time(),
        **{n: _clock_gettime(n) for n in _CLOCKS},
    }
    _turned_at.update({read: (now, _here(read, now)) for read, now in worlds.items()})
    _speed = speed


def _here(read: Any, now: float) -> float:
    world, here = _turned_at.get(read, (now, now))
    return here + (now - world) * _speed


def world_seconds() -> float:
    """As the world's clock has it, whatever was turned."""
    return _monotonic()


def world_sleep(seconds: float) -> None:
    _sleep(seconds)
