"""A worker with a single Blender, whatever stands in for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.frame_clock import FrameClock
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.seat import Seat
from worker_agent.seats.session_count import SessionCounts


def turns_at(
    blender: object,
    clock: FrameClock | None = None,
    *,
    stopped: Callable[[], bool] = lambda: False,
    changed: Callable[[], None] = lambda: None,
) -> BlenderTurns:
    seat = Seat(sessions=cast(SceneSessions, blender), clock=clock or FrameClock())
    return BlenderTurns([seat], SessionCounts(1, processors=1), stopped=stopped, changed=changed)
