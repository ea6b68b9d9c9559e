"""How often the backlog is measured: each minute, and while there is work, several times within it."""

from __future__ import annotations

from collections.abc import Callable

from contract.scaling import MEASURE_PERIOD_SECONDS, WATCH_PERIOD_SECONDS, Backlog


def watch(
    backlog: Backlog,
    measure: Callable[[], Backlog],
    *,
    begun: float,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> int:
    """After a first measure that began at `begun`, measure again until nothing is left to do.

    It ends before the next minute's run begins. A measure that takes longer than a period lets some be.
    Returns how often it measured.
    """
    times = 0
    while backlog.tasks:
        periods = int((clock() - begun) / WATCH_PERIOD_SECONDS) + 1
        if periods * WATCH_PERIOD_SECONDS >= MEASURE_PERIOD_SECONDS:
            break
        sleep(begun + periods * WATCH_PERIOD_SECONDS - clock())
        backlog = measure()
        times += 1
    return times
