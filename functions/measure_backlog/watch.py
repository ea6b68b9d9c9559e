"""How often the backlog is measured: each minute, and several times within it while it is unsettled."""

from __future__ import annotations

from collections.abc import Callable

from contract.scaling import MEASURE_PERIOD_SECONDS, WATCH_PERIOD_SECONDS, Backlog


def watch(
    backlog: Backlog,
    measure: Callable[[], Backlog],
    *,
    promise: Callable[[float], bool],
    begun: float,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> int:
    """After a first measure that began at `begun`, measure again until the fleet has what it is to have.

    It ends before the next minute's run begins, and when it may not promise to look again in so many seconds,
    for another does. A measure that takes longer than a period lets some be. Returns how often it measured.
    """
    times = 0
    while backlog.unsettled:
        periods = int((clock() - begun) / WATCH_PERIOD_SECONDS) + 1
        if periods * WATCH_PERIOD_SECONDS >= MEASURE_PERIOD_SECONDS:
            break
        seconds = begun + periods * WATCH_PERIOD_SECONDS - clock()
        if not promise(seconds):
            break
        sleep(seconds)
        backlog = measure()
        times += 1
    return times
