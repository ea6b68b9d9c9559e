"""When a fleet of constant size is done, if nothing ever goes wrong: list scheduling in the queues' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from farm.simulate.model import SimulatedJob


def last_end(jobs: Iterable[SimulatedJob], workers: int, works_from: float) -> float:
    """Seconds at which the last frame is done, by `workers` that all work from `works_from` on.

    Each takes the first bake that waits, else the first frame. A job's frames wait from the end of its bake.
    """
    arriving = deque(sorted(jobs, key=lambda job: job.arrives))
    baked: list[tuple[float, int, SimulatedJob]] = []
    frames: deque[float] = deque()
    free = [works_from] * workers
    heapify(free)
    last = works_from
    while arriving or baked or frames:
        now = heappop(free)
        while baked and baked[0][0] <= now:
            frames.extend(heappop(baked)[2].frame_seconds)
        if arriving and arriving[0].arrives <= now:
            job = arriving.popleft()
            end = now + job.bake_seconds
            heappush(baked, (end, len(arriving), job))
        elif frames:
            end = now + frames.popleft()
        else:
            heappush(free, _next_task(arriving, baked))
            continue
        last = max(last, end)
        heappush(free, end)
    return last


def _next_task(arriving: deque[SimulatedJob], baked: list[tuple[float, int, SimulatedJob]]) -> float:
    times = [baked[0][0]] if baked else []
    return min([*times, arriving[0].arrives] if arriving else times)
