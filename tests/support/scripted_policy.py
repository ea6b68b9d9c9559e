"""A scaling policy that does what it is told when it is told, for tests of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from contract.scaling import ScalingLimits
from farm.simulate.farm import Farm
from farm.simulate.fleet.habits import Habits, Protection
from farm.simulate.fleet.worker import Worker
from farm.simulate.model import SimulatedJob, Workload

LIMITS = ScalingLimits(
    acceptable_latency_seconds=300,
    worker_start_seconds=240,
    frame_queue_bpi=10,
    project_init_queue_bpi=1,
    max_workers=20,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    capacities: tuple[tuple[float, int], ...] = ((0, 1),)
    """Desired capacity, and from when on."""
    habits: Habits = field(default_factory=lambda: Habits(protection=Protection.WHILE_BUSY))
    order: Callable[[Sequence[Worker], Random], Sequence[Worker]] = lambda free, dice: free
    limits: ScalingLimits = LIMITS
    name: str = "scripted"

    def victims(self, free: Sequence[Worker], dice: Random) -> Sequence[Worker]:
        return self.order(free, dice)

    def steer(self, farm: Farm) -> None:
        """Workers end themselves at their first idle poll after everything is done."""

        def rest(worker: Worker) -> None:
            if farm.work.all_done:
                farm.group.end_itself(worker)

        farm.group.when_idle = rest
        for at, capacity in self.capacities:
            farm.agenda.after(at, partial(farm.group.set_desired, capacity))


def one_job(*frame_seconds: float, bake_seconds: float = 5, max_workers: int = 20) -> Workload:
    job = SimulatedJob(arrives=0, bake_seconds=bake_seconds, frame_seconds=frame_seconds)
    return Workload(name="one job", jobs=(job,), max_workers=max_workers)
