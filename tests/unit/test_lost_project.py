"""A prepared project that has gone from the workers' shared folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.job import JobState
from tests.support.agent import JOB_ID, Agent, agent_in
from tests.support.job_steps import (
    BAKE,
    FINISH,
    baked,
    state,
    task,
)
from worker_agent.tasks.outcome import GiveBack, MachineTroubleError, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


class TestLostProject:
    def test_it_is_prepared_again_and_no_frame_fails(self, agent: Agent) -> None:
        baked(agent)
        agent.render(task("1"), agent.lease())
        agent.scratch.clear(JOB_ID)
        assert isinstance(agent.render(task("2"), agent.lease()), GiveBack), "NFS may be behind"
        agent.now += 66
        assert isinstance(agent.render(task("2"), agent.lease()), Settled)
        assert state(agent) == "QUEUED"
        assert agent.sent(agent.aws.bake_queue_url) == [BAKE]
        assert isinstance(agent.render(task("3"), agent.lease()), Settled)
        agent.bake(BAKE, agent.lease())
        assert agent.sent(agent.aws.render_queue_url) == [task("2"), task("3"), task("4")]
        assert isinstance(agent.render(task("2-4"), agent.lease()), Settled)
        agent.finish(FINISH, agent.lease())
        assert (agent.job.state, agent.job.frames_done) == (JobState.DONE, 4)

    def test_a_file_system_that_is_away_is_no_lost_project(self, agent: Agent) -> None:
        baked(agent)
        (agent.folder / "scratch").rename(agent.folder / "away")
        for _ in range(2):
            agent.now += 66
            with pytest.raises(MachineTroubleError):
                agent.render(task("2"), agent.lease())
        assert state(agent) == "RENDERING"

    def test_it_is_not_prepared_for_ever(self, agent: Agent) -> None:
        baked(agent)
        for _ in range(3):
            agent.scratch.clear(JOB_ID)
            agent.render(task("2"), agent.lease())
            agent.now += 66
            agent.render(task("2"), agent.lease())
            agent.bake(BAKE, agent.lease())
        assert agent.job.state is JobState.FAILED
        assert "gone from the workers' shared folder (prepared 3 times)" in agent.job.reason
        assert list(agent.frames.frames(agent.job)) == []
