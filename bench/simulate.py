"""How quick the simulator is: a day of 1,000 jobs, on the deployed farm and on one that is large enough."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from farm.simulate.model import AwsBehaviour, Machines
from farm.simulate.policies import policies
from farm.simulate.runs import Yardstick
from farm.simulate.setup import read_setup
from farm.simulate.workloads import day_of_jobs

_JOBS: Final = 1000
_SEED: Final = 1
_LARGE_ENOUGH: Final = 200
_SECONDS_PER_DAY: Final = 24 * 3600


def main() -> None:
    for max_workers in (read_setup().limits.max_workers, _LARGE_ENOUGH):
        _measure(max_workers)


def _measure(max_workers: int) -> None:
    setup = read_setup(worker_node_max_count=max_workers)
    ours = policies(setup.limits, setup.idle_seconds)[0]
    workload = day_of_jobs(_JOBS, _SEED, max_workers=max_workers)
    tasks = sum(1 + len(job.frame_seconds) for job in workload.jobs)
    began = perf_counter()
    yardstick = Yardstick(workload, Machines(), latency_seconds=setup.limits.acceptable_latency_seconds)
    outcome = yardstick.run(ours, AwsBehaviour(), _SEED).outcome
    seconds = perf_counter() - began
    days = max(life.ended for life in outcome.lives) / _SECONDS_PER_DAY
    print(
        f"{workload.name}, {tasks:,} tasks, at most {max_workers} machines: {seconds:.1f} s for "
        f"{days:.1f} simulated days, {days / seconds:.2f} days and {tasks / seconds:,.0f} tasks a second"
    )


if __name__ == "__main__":
    main()
