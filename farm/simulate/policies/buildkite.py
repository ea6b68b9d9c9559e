"""buildkite-agent-scaler with the Elastic CI Stack's defaults: a machine for each job, at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from contract.scaling import ScalingLimits
from farm.simulate.farm import Farm
from farm.simulate.fleet.habits import Habits, Protection
from farm.simulate.fleet.worker import Worker

POLL_SECONDS: Final = 10
SCALE_IN_IDLE_SECONDS: Final = 600
"""ScaleInIdlePeriod: an agent that has had nothing for so long ends its machine, and decrements."""
HABITS: Final = Habits(protection=Protection.WHILE_BUSY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildkite:
    """Scheduled and running tasks count alike; the scaler itself never scales in."""

    limits: ScalingLimits
    name: str = "buildkite-agent-scaler"
    habits: Habits = HABITS

    def victims(self, free: Sequence[Worker], dice: Random) -> Sequence[Worker]:
        return free

    def steer(self, farm: Farm) -> None:
        def poll() -> None:
            farm.wanted = min(farm.work.tasks, farm.group.maximum)
            if farm.wanted > farm.group.desired:
                farm.group.set_desired(farm.wanted)

        def rest(worker: Worker) -> None:
            if worker.idle_seconds >= SCALE_IN_IDLE_SECONDS:
                farm.group.end_itself(worker)

        farm.group.when_idle = rest
        farm.agenda.every(POLL_SECONDS, poll)
