"""The clock by which leases run out: it goes on while the machine is suspended, and nobody sets it."""

from __future__ import annotations

import time


def boot_seconds() -> float:
    """Seconds since the machine was started, those asleep included where the system counts them (Linux)."""
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
