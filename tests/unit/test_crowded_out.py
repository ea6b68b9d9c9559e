"""A frame that fails beside other Blenders is tried again with fewer, and only alone may it be given up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from contract.job import FrameState
from tests.support.agent import Agent, agent_in, rendering, task
from worker_agent.blender import BlenderDied
from worker_agent.frames.failed_attempts import RETRY_SECONDS
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.seat import make_seats
from worker_agent.seats.session_count import SessionCounts
from worker_agent.tasks.outcome import GiveBack, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def test_a_frame_short_of_memory_counts_when_it_had_the_machine_alone(agent: Agent) -> None:
    rendering(agent)
    counts = SessionCounts(2, processors=1)
    sessions = cast(SceneSessions, agent.sessions)
    turns = BlenderTurns(make_seats([sessions, sessions]), counts)
    render = agent.renderer(turns)
    agent.blender.frame_errors = {
        1: [BlenderDied("Blender was killed by the system.", "out_of_memory", frame=1) for _ in range(4)]
    }
    with turns.turn(agent.lease("another frame"), agent.job):
        outcome = render(task("1"), agent.lease())
    assert isinstance(outcome, GiveBack)
    assert (outcome.frames, outcome.delay_seconds) == ((1,), RETRY_SECONDS)
    assert agent.frames.frame(agent.job, 1) is None, "no attempt of it is counted (law 4)"
    assert counts.count(agent.job) == 1

    for _ in range(2):
        assert isinstance(render(task("1"), agent.lease()), GiveBack)
        agent.now += 30
    assert isinstance(render(task("1"), agent.lease()), Settled)
    frame = agent.frames.frame(agent.job, 1)
    assert frame and (frame.state, frame.attempts) == (FrameState.FAILED, 3)
