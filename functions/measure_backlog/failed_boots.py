"""Ends the starting of machines that cannot be set up: each of them would cost, and do nothing.

The metrics then want no more than work already (contract.scaling). That alone does not do: while the group
has fewer machines than it is to have, it replaces each that ends by itself, whatever the metrics say.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from contract.boot import FailedBoots
from functions.measure_backlog.observation import Group
from functions.measure_backlog.work import Work

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

log = logging.getLogger(__name__)


def working(group: Group, work: Work) -> int:
    """How many of the group's machines have an agent that speaks: those that still boot may fail as well."""
    return len({worker.worker_id for worker in work.workers}.intersection(group.in_service))


def replace_no_machine(
    name: str, group: Group, boots: FailedBoots, *, at_work: int, autoscaling: AutoScalingClient
) -> bool:
    """Have the group want no more machines than are at work. Raises what AWS raises.

    It ends none by that: whatever works, or may yet come up, is protected from scale-in. False: it wants no
    more already.
    """
    if group.desired_capacity <= at_work:
        return False
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=at_work, HonorCooldown=False)
    log.warning(
        "the group %s is to have %d machines, and no longer %d: %s",
        name,
        at_work,
        group.desired_capacity,
        boots.words,
    )
    return True
