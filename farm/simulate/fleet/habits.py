"""How the agents of a policy's machines behave."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Protection(StrEnum):
    """When a machine is protected from scale-in."""

    NEVER = "never"
    WHILE_BUSY = "while busy"
    """From the beginning of a task to the end of a task: whichever of its hands ends one."""
    UNTIL_IDLE = "until idle"
    """From its birth; the policy's rule for idle workers takes it off, the next task puts it on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """Ours are the defaults, but for the protection."""

    protection: Protection
    heeds_notices: bool = True
    """After a Spot notice it finishes what it can in time, gives back the rest and takes nothing new."""
    visibility_seconds: float | None = None
    """A task of a lost worker comes back so long after it was taken; None: leases are kept alive by a
    heartbeat, and given back when the worker is told to go."""
    bakes_beside_frames: bool = False
    """Two pollers on one machine: one bake and one frame at the same time, both at full speed."""
    frame_look_seconds: float = 0
    """Sleep between two looks for a frame; 0: long polling."""
