"""The farm that a policy steers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from contract.scaling import ScalingLimits
from farm.simulate.fleet.agenda import Agenda
from farm.simulate.fleet.group import Group
from farm.simulate.fleet.habits import Habits
from farm.simulate.fleet.work import Work
from farm.simulate.fleet.worker import Worker
from farm.simulate.model import AwsBehaviour


@dataclass(slots=True, kw_only=True)
class Farm:
    """What a policy sees and turns."""

    agenda: Agenda
    work: Work
    group: Group
    behaviour: AwsBehaviour
    wanted: int = 0
    """What the policy wanted when it last measured; it says so for the record."""
    raised: int = 0
    """How often tracking raised the desired capacity, for the record too."""
    lowered: int = 0


class Policy(Protocol):
    """How many machines there should be; and how their agents behave."""

    @property
    def name(self) -> str: ...
    @property
    def limits(self) -> ScalingLimits:
        """What the farm's owner set; max_workers is the workload's."""
        ...

    @property
    def habits(self) -> Habits: ...
    def victims(self, free: Sequence[Worker], dice: Random) -> Sequence[Worker]:
        """The unprotected machines in the order in which scale-in takes them."""
        ...

    def steer(self, farm: Farm) -> None:
        """Agrees with the farm's agenda on what is to be done when."""
        ...
