"""KEDA's SQS scaler with its defaults: pods by messages, stabilised by Kubernetes' pod autoscaler."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Final

from contract.scaling import ScalingLimits
from farm.simulate.farm import Farm
from farm.simulate.fleet.habits import Habits, Protection
from farm.simulate.fleet.worker import Worker

POLLING_INTERVAL_SECONDS: Final = 30
QUEUE_LENGTH: Final = 5
"""Messages for each pod."""
STABILIZATION_SECONDS: Final = 300
"""Scaling down, the pod autoscaler takes the highest number of so long."""
HABITS: Final = Habits(protection=Protection.NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keda:
    """Machines in place of pods, with a machine's boot. A pod that must go gives its task back at once.

    Left out: the autoscaler's tolerance of a tenth, its limits on how fast it scales up, and KEDA's own
    cooldown before it goes to none, which is 300 s as well and so changes nothing.
    """

    limits: ScalingLimits
    name: str = "KEDA"
    habits: Habits = HABITS

    def victims(self, free: Sequence[Worker], dice: Random) -> Sequence[Worker]:
        """Any: who is busy is nothing that it knows of."""
        return dice.sample(free, len(free))

    def steer(self, farm: Farm) -> None:
        recent: deque[tuple[float, int]] = deque()

        def poll() -> None:
            now = farm.agenda.now
            recent.append((now, ceil(farm.work.tasks / QUEUE_LENGTH)))
            while recent[0][0] <= now - STABILIZATION_SECONDS:
                recent.popleft()
            farm.wanted = min(recent[-1][1], farm.group.maximum)
            farm.group.set_desired(max(wanted for _, wanted in recent))

        farm.agenda.every(POLLING_INTERVAL_SECONDS, poll)
