"""Waits for what agents in other threads do, by the world's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.scale.slow_clock import world_seconds, world_sleep

_LOOK_SECONDS: Final = 0.05


def wait_until(reached: Callable[[], bool], *, seconds: float, what: str = "it") -> None:
    """Raises TimeoutError after so many seconds."""
    give_up_at = world_seconds() + seconds
    while not reached():
        if world_seconds() > give_up_at:
            raise TimeoutError(f"{what} did not come within {seconds:g} s")
        world_sleep(_LOOK_SECONDS)
