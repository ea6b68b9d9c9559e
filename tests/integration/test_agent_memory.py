"""An agent's memory does not grow with the frames that it does."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.agent_memory.agent import an_agent
from bench.scale.waiting import wait_until

WARM_FRAMES, FRAMES = 150, 500
MOST_MEGABYTES: Final = 120
MOST_GROWTH_MEGABYTES: Final = 4
"""What is warmed up takes some; 350 pictures that nobody lets go of would take more."""


def test_an_agent_does_not_grow_with_its_frames(tmp_path: Path) -> None:
    with an_agent(tmp_path, FRAMES) as agent:
        wait_until(lambda: agent.job.frames_are_sent, seconds=60)
        agent.job.keep_open()
        wait_until(lambda: agent.job.frames_done >= WARM_FRAMES, seconds=60)
        warm = agent.megabytes
        wait_until(lambda: agent.job.frames_done == FRAMES, seconds=120)
        assert agent.megabytes < MOST_MEGABYTES
        assert agent.megabytes - warm < MOST_GROWTH_MEGABYTES
