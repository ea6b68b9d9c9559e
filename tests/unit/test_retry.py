"""Cancel, retry and the one finish: an agent's parts, with whatever may come in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.job import FrameState, Job, JobState, Progress
from contract.job_actions import cancel_job, retry_job
from contract.tasks import BakeTask, FinishTask, RenderTask
from tests.support.agent import JOB_ID, Agent, agent_in
from tests.support.obedient_blender import CLOTH
from worker_agent.blender import BlenderFailed, BlenderKilled, BlenderTimedOut
from worker_agent.lease import Lease
from worker_agent.outcome import GiveBack, InterruptedTaskError, MachineTroubleError, Settled
from worker_agent.render_start import RenderStart

BAKE, FINISH = BakeTask(JOB_ID), FinishTask(JOB_ID)
FRAME_SECONDS = 1.5
"""What the obedient Blender says that each frame took."""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def task(frames: str) -> RenderTask:
    return RenderTask(JOB_ID, frames)


def write(agent: Agent, request: Callable[..., dict[str, Any]]) -> None:
    agent.aws.dynamodb.update_item(**request(table=agent.aws.job_table_name, job_id=JOB_ID, now="2026"))


def state(agent: Agent) -> str:
    return str(agent.job.state)


def cancel(agent: Agent) -> None:
    write(agent, cancel_job)


def retry(agent: Agent) -> None:
    write(agent, retry_job)


def baked(agent: Agent, frames: str = "1-4", **options: Any) -> None:
    agent.upload(options={"frames": frames, **options}, task_sent_at="2026")
    agent.blender.report = CLOTH
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    agent.sent(agent.aws.render_queue_url)


def ended_with_failures(agent: Agent, failed: int = 2) -> None:
    """Frames 1 to 4 have ended, one of them FAILED."""
    baked(agent, max_attempts=1)
    agent.blender.frame_errors = {failed: [BlenderFailed("crash", "x", "", failed)] * 20}
    for frame in range(1, 5):
        while isinstance(agent.render(task(str(frame)), agent.lease()), GiveBack):
            pass
    agent.blender.frame_errors = {}
    assert isinstance(agent.finish(FINISH, agent.lease()), Settled)
    assert agent.job.state is JobState.DONE_WITH_FAILURES
    agent.sent(agent.aws.urgent_queue_url)


def renewed(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew a lease whose message is held."""
    monkeypatch.setattr(lease.queue, "extend", lambda *_: None)
    lease.renew()


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
        agent.frames.record_done(agent.job, 2, files=["0002.png"], seconds=1.5, blender_version="4.5.15")
        assert agent.frames.progress(agent.job) == Progress(total=2, done=2, seconds=2 * FRAME_SECONDS)
        retry(agent)
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.sent(agent.aws.urgent_queue_url) == [FINISH], "nothing is left to render"
        agent.finish(FINISH, agent.lease())
        assert (agent.job.state, agent.job.frames_done) == (JobState.DONE, 2)


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


class TestFinish:
    def test_two_at_the_same_instant_sum_up_once(self, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each has its own message, as two workers that ended the last frames send one each."""
        baked(agent, "1-2")
        agent.render(task("1-2"), agent.lease())
        one_call_at_a_time(agent, monkeypatch)
        puts = count_puts(agent, monkeypatch)
        here = threading.Barrier(4)
        claim = agent.jobs.claim_finish

        def claim_together(*arguments: Any, **values: Any) -> bool:
            here.wait(10)
            return claim(*arguments, **values)

        monkeypatch.setattr(agent.jobs, "claim_finish", claim_together)
        outcomes: list[object] = []
        threads = [
            threading.Thread(
                target=lambda lease: outcomes.append(agent.finish(FINISH, lease)),
                args=(agent.lease(f"m{n}"),),
            )
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 4
        assert all(isinstance(outcome, Settled) for outcome in outcomes)
        assert (agent.job.state, puts) == (JobState.DONE, ["job.json"])

    def test_a_finisher_that_went_silent_touches_nothing_afterwards(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        baked(agent, "1-2")
        agent.render(task("1-2"), agent.lease())
        puts = count_puts(agent, monkeypatch)
        listed = agent.frames.frames

        def sleep_meanwhile(job: Any) -> Any:
            monkeypatch.setattr(agent.frames, "frames", listed)
            assert isinstance(agent.finish(FINISH, agent.lease()), Settled), "the same message again"
            return listed(job)

        monkeypatch.setattr(agent.frames, "frames", sleep_meanwhile)
        assert isinstance(agent.finish(FINISH, agent.lease()), GiveBack)
        assert (agent.job.state, puts) == (JobState.DONE, ["job.json"])

    def test_a_copy_settles_while_the_finisher_lives_and_takes_over_when_it_is_dead(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        baked(agent, "1-2")
        agent.render(task("1-2"), agent.lease())

        def die(*_: object, **__: object) -> None:
            raise ConnectionError

        with monkeypatch.context() as dead:
            dead.setattr(agent.bucket, "put_text", die)
            with pytest.raises(ConnectionError):
                agent.finish(FINISH, agent.lease("first"))
        assert isinstance(agent.finish(FINISH, agent.lease("copy")), Settled)
        assert state(agent) == "FINISHING"
        late = time.time() + 121
        with monkeypatch.context() as later:
            later.setattr(agent.jobs, "_now", lambda: late)
            agent.finish(FINISH, agent.lease("copy"))
        assert state(agent) == "DONE"

    def test_a_renewal_finds_that_another_has_taken_over(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        baked(agent, "1-2")
        agent.render(task("1-2"), agent.lease())
        lease = agent.lease()
        listed = agent.frames.frames

        def lose(job: Any) -> Any:
            renewed(lease, monkeypatch)
            assert not lease.lost
            until = int(time.time()) + 9
            agent.jobs.claim_finish(agent.job, token="another", message_id="m", lease_until=until)
            renewed(lease, monkeypatch)
            return listed(job)

        monkeypatch.setattr(agent.frames, "frames", lose)
        agent.finish(FINISH, lease)
        assert lease.lost
        assert "job.json" not in agent.stored()


def one_call_at_a_time(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """As DynamoDB does a conditional write in one step, which moto does not among threads."""
    turn = threading.RLock()
    clients: tuple[Any, ...] = (agent.aws.dynamodb, agent.aws.s3)
    for client in clients:
        call = client._make_api_call

        def in_turn(*arguments: Any, _call: Any = call) -> Any:
            with turn:
                return _call(*arguments)

        monkeypatch.setattr(client, "_make_api_call", in_turn)


def count_puts(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    puts: list[str] = []
    put = agent.bucket.put_text

    def put_and_count(key: str, *arguments: Any, **values: Any) -> None:
        puts.append(key.rpartition("/")[2])
        put(key, *arguments, **values)

    monkeypatch.setattr(agent.bucket, "put_text", put_and_count)
    return puts
