"""What no policy can beat, and the all-knowing fleet to compare with.

Dollars and seconds. A job's makespan is from its arrival to the end of its last frame; a workload's is the
mean over its jobs, and so is its bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from farm.simulate.list_schedule import last_end
from farm.simulate.model import Machines, Outcome, SimulatedJob, Workload

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Lower bounds of a workload."""

    dollars: float
    """One machine, started once, that does everything and never waits."""
    makespan_seconds: float
    """The mean of each job's own bound, as if it had all machines for itself and they started at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantFleet:
    workers: int
    dollars: float
    ends: float
    """When its last frame is done and all its machines end."""


def bounds(workload: Workload, machines: Machines) -> Bounds:
    first = min(job.arrives for job in workload.jobs)
    works_from = first + machines.start_seconds
    spans = [_job_bound(job, workload.max_workers, works_from) for job in workload.jobs]
    work = sum(job.work_seconds for job in workload.jobs)
    return Bounds(
        dollars=_dollars(machines, machines.boot_seconds + work),
        makespan_seconds=sum(spans) / len(spans),
    )


def _job_bound(job: SimulatedJob, max_workers: int, works_from: float) -> float:
    """Boot, bake and the frames in whole waves: some worker has at least so many, if only the shortest."""
    start = max(0.0, works_from - job.arrives)
    frames = sorted(job.frame_seconds)
    waves = ceil(len(frames) / max_workers)
    rendering = max(sum(frames) / max_workers, sum(frames[:waves]), frames[-1])
    return start + job.bake_seconds + rendering


def cost_dollars(outcome: Outcome) -> float:
    """What EC2 bills: each machine by the second from its launch, and a minute at least."""
    return sum(_dollars(outcome.machines, life.ended - life.launched) for life in outcome.lives)


def makespan_seconds(outcome: Outcome) -> float | None:
    """The mean over jobs; None when one never ended."""
    ends = [end for end in outcome.job_ends if end is not None]
    if len(ends) < len(outcome.job_ends):
        return None
    jobs = outcome.workload.jobs
    return sum(end - job.arrives for end, job in zip(ends, jobs, strict=True)) / len(jobs)


class Clairvoyant:
    """Constant fleets that know all: no machine is lost, none is started late or ended late.

    They are launched at the first arrival and boot like any machine. The schedules are kept, since many
    outcomes of one workload are compared with them.
    """

    def __init__(self, workload: Workload, machines: Machines) -> None:
        self._workload = workload
        self._machines = machines
        self._launched = min(job.arrives for job in workload.jobs) + machines.pending_seconds
        self._work = sum(job.work_seconds for job in workload.jobs)
        self._fleets: dict[int, ConstantFleet] = {}

    def cheapest(self, deadline: float) -> ConstantFleet | None:
        """The cheapest that is done by then; None when no fleet up to the maximum is.

        More workers may cost less, since the last wave counts whole, so each number is tried that could be
        cheaper than the best so far.
        """
        best: ConstantFleet | None = None
        works_from = self._launched + self._machines.boot_seconds
        fewest = max(1, ceil(self._work / max(deadline - works_from, 1e-9) - 1e-9))
        for workers in range(fewest, self._workload.max_workers + 1):
            if best is not None and self._at_least(workers) >= best.dollars:
                break
            fleet = self.fleet(workers)
            if fleet.ends <= deadline and (best is None or fleet.dollars < best.dollars):
                best = fleet
        return best

    def fleet(self, workers: int) -> ConstantFleet:
        if workers not in self._fleets:
            works_from = self._launched + self._machines.boot_seconds
            ends = last_end(self._workload.jobs, workers, works_from)
            dollars = workers * _dollars(self._machines, ends - self._launched)
            self._fleets[workers] = ConstantFleet(workers=workers, dollars=dollars, ends=ends)
        return self._fleets[workers]

    def _at_least(self, workers: int) -> float:
        """Dollars below which so many machines cannot cost: they boot, and do the work or wait for a job."""
        last = max(job.arrives + job.bake_seconds + max(job.frame_seconds) for job in self._workload.jobs)
        busy = max(self._work / workers, last - self._launched - self._machines.boot_seconds)
        return workers * _dollars(self._machines, self._machines.boot_seconds + busy)


def _dollars(machines: Machines, billed_seconds: float) -> float:
    billed = max(machines.shortest_bill_seconds, billed_seconds)
    return billed * machines.dollars_per_hour / _SECONDS_PER_HOUR
