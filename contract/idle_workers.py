"""Which idle workers may end themselves. Each asks for itself, and no two answers contradict each other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

LOOKS: Final = 2
"""In a row that must find a worker to be one too many: SQS and the group count a little late."""


def may_end(worker_id: str, *, idle: Collection[str], desired_capacity: int, tasks: int) -> bool:
    """Whether this idle worker is one too many.

    `idle` are the workers of the group that are not protected from scale-in, `tasks` all that is on the
    queues, in flight included: a task in hand, or one whose holder died, still wants a worker. So many of
    the idle may go as there are more workers than tasks, the first by their names.
    """
    surplus = desired_capacity - tasks
    return worker_id in sorted(idle)[: max(0, surplus)]
