"""A job that is canceled while an agent is at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.job import JobState, Progress
from tests.support.agent import Agent, agent_in
from tests.support.job_steps import (
    BAKE,
    FINISH,
    FRAME_SECONDS,
    baked,
    cancel,
    renewed,
    retry,
    task,
)
from tests.support.obedient_blender import CLOTH
from worker_agent.blender import BlenderKilled
from worker_agent.stores.frame_store import DoneFrame
from worker_agent.tasks.outcome import InterruptedTaskError, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


class TestCancel:
    def test_a_frame_in_progress_stops_at_the_next_renewal(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        baked(agent)
        lease = agent.lease()
        kills = []
        monkeypatch.setattr(lease, "_on_lost", lambda: kills.append("killed"))

        def cancel_and_renew(*_: object, **__: object) -> Iterator[Any]:
            renewed(lease, monkeypatch)
            assert (kills, lease.over) == ([], False), "it is wanted still"
            cancel(agent)
            renewed(lease, monkeypatch)
            renewed(lease, monkeypatch)
            assert kills == ["killed", "killed"], "each time, as its Blender may just have started"
            raise BlenderKilled("", "killed", frame=1)
            yield

        monkeypatch.setattr(agent.blender, "render", cancel_and_renew)
        with pytest.raises(InterruptedTaskError):
            agent.render(task("1"), lease)
        assert (lease.over, lease.lost) == (True, False), "its message is deleted, not left to lapse"
        assert agent.frames.progress(agent.job) == Progress(total=4)

    def test_a_bake_in_progress_stops_and_leaves_nothing(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent.upload()
        agent.blender.report = CLOTH
        lease = agent.lease()

        def cancel_and_renew() -> None:
            cancel(agent)
            renewed(lease, monkeypatch)

        agent.blender.during_bake = cancel_and_renew
        agent.blender.bake_errors = [BlenderKilled("", "killed")]
        with pytest.raises(InterruptedTaskError):
            agent.bake(BAKE, lease)
        assert (lease.over, lease.lost) == (True, False)
        assert (agent.job.state, agent.job.bake_attempts) == (JobState.CANCELED, 0)
        assert not list((agent.folder / "scratch").rglob("baking-*"))
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)

    def test_a_bake_that_has_another_baker_is_lost_and_not_over(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent.upload(task_sent_at="2026")
        agent.blender.report = CLOTH
        lease = agent.lease()

        def retried_meanwhile() -> None:
            cancel(agent)
            retry(agent)
            renewed(lease, monkeypatch)

        agent.blender.during_bake = retried_meanwhile
        with pytest.raises(InterruptedTaskError):
            agent.bake(BAKE, lease)
        assert (lease.over, lease.lost) == (False, True), "its message may be all that the retry has"

    def test_a_frame_that_ends_just_after_counts_once(self, agent: Agent) -> None:
        baked(agent, "1-2")
        agent.render(task("1"), agent.lease())
        cancel(agent)
        agent.frames.record_done(
            agent.job, [DoneFrame(frame=2, files=("0002.png",), seconds=1.5, blender_version="4.5.15")]
        )
        assert agent.frames.progress(agent.job) == Progress(total=2, done=2, seconds=2 * FRAME_SECONDS)
        retry(agent)
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.sent(agent.aws.urgent_queue_url) == [FINISH], "nothing is left to render"
        agent.finish(FINISH, agent.lease())
        assert (agent.job.state, agent.job.frames_done) == (JobState.DONE, 2)
