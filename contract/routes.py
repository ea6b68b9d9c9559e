"""On which queue a task belongs: whoever sends one asks here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from contract.options import JobOptions
from contract.tasks import BakeTask, FinishTask, Task


class Route(StrEnum):
    """The queues that agents take tasks from, in the order in which they look at them."""

    URGENT = "urgent"
    BAKE = "bake"
    RENDER = "render"


def route_of(task: type[Task], options: Mapping[str, Any]) -> Route:
    """The queue for tasks of this kind, of a job with these options (Job.options).

    A bake is on the bake queue whatever its job's priority: that one is looked at before frames anyway, and a
    bake among the urgent tasks would be counted as a frame.
    """
    if task is BakeTask:
        return Route.BAKE
    if task is FinishTask or JobOptions.from_map(options).urgent:
        return Route.URGENT
    return Route.RENDER
