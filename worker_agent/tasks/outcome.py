"""What became of a task, and so of its message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settled:
    """The task's effect is durable (or it needs none any more): the message is deleted."""

    note: str


@dataclass(frozen=True, slots=True)
class GiveBack:
    """The message is seen again after a while, by whichever worker."""

    note: str
    delay_seconds: int = 0
    frames: tuple[int, ...] = ()
    """Of a task from several messages: only those with one of these are given back, the others are done."""


Outcome = Settled | GiveBack


class TaskOverError(Exception):
    """Nobody is to do the task any more, its job has ended: the message is still held, and is deleted."""


class InterruptedTaskError(Exception):
    """The worker must go, or no longer holds the task: no failure of anybody's."""


TROUBLE_SECONDS = 60
"""Work that a worker in trouble gives back waits so long for another worker, or for better times."""


class MachineTroubleError(Exception):
    """This worker's disk or the shared file system is in trouble: no failure of the task's.

    Words for the task's owner; the worker takes nothing until it is over.
    """
