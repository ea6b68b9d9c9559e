"""A job that is retried, with whatever may come in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.job import FrameState, Job, JobState, Progress
from tests.support.agent import JOB_ID, Agent, agent_in
from tests.support.job_steps import (
    BAKE,
    FINISH,
    FRAME_SECONDS,
    baked,
    cancel,
    ended_with_failures,
    retry,
    state,
    task,
)
from worker_agent.bake.render_start import RenderStart
from worker_agent.blender import BlenderFailed, BlenderTimedOut
from worker_agent.tasks.outcome import InterruptedTaskError, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


class TestRetry:
    def test_only_the_failed_frame_is_rendered_and_nothing_is_baked(self, agent: Agent) -> None:
        ended_with_failures(agent)
        before = {r.frame: r.ended_at for r in agent.frames.frames(agent.job) if r.state is FrameState.DONE}
        folder, agent.blender.rendered = agent.job.baked_folder, []
        retry(agent)
        assert (agent.job.state, agent.job.retries, agent.job.reason) == (JobState.QUEUED, 1, "")
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert len(agent.blender.baked_to) == 1
        assert agent.frames.progress(agent.job) == Progress(total=4, done=3, seconds=3 * FRAME_SECONDS)
        assert agent.sent(agent.aws.render_queue_url) == [task("2")]
        agent.render(task("2"), agent.lease())
        assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]
        agent.finish(FINISH, agent.lease("another message"))
        assert (agent.job.state, agent.job.frames_done, agent.job.reason) == (JobState.DONE, 4, "")
        assert (agent.job.baked_folder, agent.blender.rendered) == (folder, [2])
        after = {record.frame: record.ended_at for record in agent.frames.frames(agent.job)}
        assert before == {frame: after[frame] for frame in before}

    def test_a_bake_that_is_gone_is_made_again_for_the_same_frames(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended_with_failures(agent)
        agent.scratch.clear(JOB_ID)
        chosen = []
        monkeypatch.setattr(agent.sessions, "choose", lambda *_: pytest.fail("its frames bind it to one"))
        bound = agent.sessions.bound

        def note_and_bind(job: Job) -> Any:
            chosen.append(job)
            return bound(job)

        monkeypatch.setattr(agent.sessions, "bound", note_and_bind)
        retry(agent)
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert len(agent.blender.baked_to) == 2
        assert len(chosen) == 1
        assert (agent.job.frames, agent.job.frame_count, agent.job.shards) == ("1-4", 4, 1)
        assert agent.frames.progress(agent.job) == Progress(total=4, done=3, seconds=3 * FRAME_SECONDS)
        assert agent.sent(agent.aws.render_queue_url) == [task("2")]

    def test_frames_that_were_never_tried_are_rendered(self, agent: Agent) -> None:
        baked(agent)
        agent.render(task("3"), agent.lease())
        cancel(agent)
        retry(agent)
        agent.bake(BAKE, agent.lease())
        assert agent.sent(agent.aws.render_queue_url) == [task("1"), task("2"), task("4")]

    def test_a_frame_that_was_done_at_its_second_try_stays_done(self, agent: Agent) -> None:
        baked(agent)
        agent.blender.frame_errors = {3: [BlenderFailed("crash", "x", "", 3)]}
        for _ in range(2):
            agent.render(task("3"), agent.lease())
            agent.now += 30
        cancel(agent)
        retry(agent)
        agent.bake(BAKE, agent.lease())
        assert agent.frames.progress(agent.job) == Progress(total=4, done=1, seconds=1 * FRAME_SECONDS)
        assert agent.sent(agent.aws.render_queue_url) == [task("1"), task("2"), task("4")]

    def test_attempts_of_the_run_before_are_forgotten(self, agent: Agent) -> None:
        baked(agent)
        agent.blender.frame_errors = {1: [BlenderFailed("crash", "x", "", 1)] * 2}
        for _ in range(2):
            agent.render(task("1"), agent.lease())
        cancel(agent)
        retry(agent)
        agent.bake(BAKE, agent.lease())
        record = agent.frames.frame(agent.job, 1)
        assert record
        assert record.attempts == 0

    def test_an_agent_that_dies_at_any_step_is_followed_by_another(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended_with_failures(agent)
        retry(agent)

        def die(*_: object, **__: object) -> None:
            raise ConnectionError

        for part, name in (
            (agent.frames, "reopen"),
            (agent.jobs, "begin_rendering"),
            (RenderStart, "send"),
            (agent.jobs, "mark_frames_sent"),
        ):
            with monkeypatch.context() as dead:
                dead.setattr(part, name, die)
                with pytest.raises(ConnectionError):
                    agent.bake(BAKE, agent.lease())
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.frames.progress(agent.job) == Progress(total=4, done=3, seconds=3 * FRAME_SECONDS)
        assert set(agent.sent(agent.aws.render_queue_url)) == {task("2")}
        assert len(agent.blender.baked_to) == 1

    def test_a_finish_that_comes_while_frames_are_reopened_ends_nothing(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended_with_failures(agent)
        retry(agent)
        begin = agent.jobs.begin_rendering

        def finish_before_and_after(*arguments: Any, **values: Any) -> bool:
            agent.finish(FINISH, agent.lease("stale"))
            assert state(agent) == "BAKING"
            begun = begin(*arguments, **values)
            agent.finish(FINISH, agent.lease("stale"))
            assert state(agent) == "RENDERING"
            return begun

        monkeypatch.setattr(agent.jobs, "begin_rendering", finish_before_and_after)
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)

    def test_a_baker_that_wakes_late_reopens_nothing(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else a frame that failed anew would wait for a task that nobody sends."""
        ended_with_failures(agent)
        retry(agent)
        reopen = agent.frames.reopen

        def sleep_meanwhile(*arguments: Any, **values: Any) -> bool:
            monkeypatch.setattr(agent.frames, "reopen", reopen)
            assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
            agent.frames.record_failed(agent.job, 2, reason="again")
            return reopen(*arguments, **values)

        monkeypatch.setattr(agent.frames, "reopen", sleep_meanwhile)
        with pytest.raises(InterruptedTaskError):
            agent.bake(BAKE, agent.lease())
        assert agent.frames.progress(agent.job) == Progress(
            total=4, done=3, seconds=3 * FRAME_SECONDS, failed=1
        )

    def test_a_job_that_failed_before_it_was_baked_is_baked(self, agent: Agent) -> None:
        agent.upload(options={"max_attempts": 1}, task_sent_at="2026")
        agent.blender.open_errors = [BlenderTimedOut("over time", "timed_out")]
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert (agent.job.state, agent.job.bake_attempts) == (JobState.FAILED, 1)
        retry(agent)
        assert agent.job.bake_attempts == 0
        agent.bake(BAKE, agent.lease())
        assert len(agent.sent(agent.aws.render_queue_url)) == 4

    def test_a_bake_has_the_time_that_its_owner_allows(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []
        bake = agent.blender.bake

        def look_and_bake(*arguments: Any, **values: Any) -> Any:
            seen.append(values["timeout_seconds"])
            return bake(*arguments, **values)

        monkeypatch.setattr(agent.blender, "bake", look_and_bake)
        baked(agent, bake_timeout_seconds=77)
        assert seen == [77]
