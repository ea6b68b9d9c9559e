"""What the agent makes of a finish task, with everything that goes wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.frame_record import FrameRecord
from contract.job import Job, JobState, Progress
from tests.support.agent import BAKE, FINISH, JOB_ID, Agent, agent_in, rendering, task
from tests.support.job_steps import ended_with_failures, retry
from tests.support.jobs import a_job
from worker_agent.blender import BlenderFailed
from worker_agent.jobs import finish_task
from worker_agent.preview import Made
from worker_agent.stores.bucket import StoredProxy
from worker_agent.tasks.lease import BlenderUse
from worker_agent.tasks.outcome import InterruptedTaskError, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


class TestFinish:
    def test_a_job_is_summed_up_and_cleared(self, agent: Agent) -> None:
        rendering(agent)
        for frames in ("2", "1"):
            agent.render(task(frames), agent.lease())
        assert isinstance(agent.finish(FINISH, agent.lease()), Settled)
        assert (agent.job.state, agent.job.frames_done, agent.job.reason) == (JobState.DONE, 2, "")
        summary = json.loads(agent.stored()["job.json"])
        assert summary["state"] == "DONE"
        assert [frame["frame"] for frame in summary["frames"]] == [1, 2]
        assert summary["frames"][0]["files"] == ["0001.png"]
        assert agent.job.made == ("preview.mp4", "contact_sheet.jpg") == tuple(summary["made"])
        assert agent.job.preview_note == "" and summary["preview_notes"] == []
        assert {"preview.mp4", "contact_sheet.jpg"} < set(agent.stored())
        assert not list((agent.folder / "scratch").rglob("*.*")), "nothing is left in the scratch space"

    def test_another_task_may_have_blender_meanwhile(self, agent: Agent) -> None:
        lease = agent.lease()
        rendering(agent)
        agent.finish(FINISH, lease)
        assert lease.blender_use is BlenderUse.AFTER

    @pytest.mark.parametrize(
        ("seconds", "microdollars", "dollars"), [(90, 0, None), (90, 2_500, 0.0025), (0, 0, 0)]
    )
    def test_a_cost_that_is_not_known_is_no_zero(
        self, seconds: int, microdollars: int, dollars: float | None
    ) -> None:
        job = a_job(JOB_ID, worker_seconds=seconds, microdollars=microdollars)
        progress = Progress(total=1, done=1, failed=0)
        text = finish_task._summary(job, JobState.DONE, "", progress, [], Made())
        assert json.loads(text)["dollars"] == dollars

    def test_failed_frames_are_told(self, agent: Agent) -> None:
        rendering(agent)
        agent.blender.frame_errors = {2: [BlenderFailed("out of memory", "x", "", 2)] * 3}
        for frames in ("1", "2", "2", "2"):
            agent.render(task(frames), agent.lease())
            agent.now += 30
        agent.finish(FINISH, agent.lease())
        assert agent.job.state is JobState.DONE_WITH_FAILURES
        assert agent.job.reason == "1 of 2 frames could not be rendered (2): out of memory"

    def test_when_a_frame_failed_the_bake_is_kept_for_a_retry(self, agent: Agent) -> None:
        rendering(agent)
        agent.blender.frame_errors = {2: [BlenderFailed("out of memory", "x", "", 2)] * 3}
        for frames in ("1", "2", "2", "2"):
            agent.render(task(frames), agent.lease())
            agent.now += 30
        agent.finish(FINISH, agent.lease())
        blend = agent.scratch.baked(JOB_ID, agent.job.baked_folder) / agent.job.baked_blend
        assert blend.read_bytes() == b"BLENDER"

    def test_after_a_retry_the_preview_is_made_anew(self, agent: Agent) -> None:
        ended_with_failures(agent)
        assert agent.job.made == ("preview.mp4", "contact_sheet.jpg")
        with_a_gap = agent.stored()
        retry(agent)
        agent.bake(BAKE, agent.lease())
        agent.render(task("2"), agent.lease())
        agent.finish(FINISH, agent.lease("another message"))
        assert agent.job.state is JobState.DONE
        whole = agent.stored()
        for name in ("preview.mp4", "contact_sheet.jpg"):
            assert whole[name] != with_a_gap[name]

    def test_a_job_that_is_not_complete_is_left(self, agent: Agent) -> None:
        rendering(agent)
        agent.render(task("1"), agent.lease())
        agent.finish(FINISH, agent.lease())
        assert agent.job.state is JobState.RENDERING

    def test_a_finisher_that_died_anywhere_is_followed_by_another(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendering(agent)
        agent.render(task("1-2"), agent.lease())

        def die(*_: object, **__: object) -> None:
            raise ConnectionError

        steps = (
            (agent.preview, "make"),
            (agent.bucket, "put_text"),
            (agent.scratch, "clear"),
            (agent.jobs, "end_job"),
        )
        for part, name in steps:
            with monkeypatch.context() as dead:
                dead.setattr(part, name, die)
                with pytest.raises(ConnectionError):
                    agent.finish(FINISH, agent.lease())
            assert agent.job.state is JobState.FINISHING
        agent.finish(FINISH, agent.lease())
        assert agent.job.state is JobState.DONE

    @pytest.mark.parametrize(
        ("step", "note"),
        [
            (
                "proxy",
                "The pictures of 2 frames could not be fetched, of 1 first: s3:GetObject. "
                "There is no preview: not one frame has a picture.",
            ),
            ("upload_file", "The preview could not be made: s3:GetObject"),
        ],
    )
    def test_a_preview_that_cannot_be_made_costs_no_job(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch, step: str, note: str
    ) -> None:
        rendering(agent)
        agent.render(task("1-2"), agent.lease())

        def fail(*_: object, **__: object) -> None:
            raise PermissionError("s3:GetObject")

        monkeypatch.setattr(agent.bucket, step, fail)
        agent.finish(FINISH, agent.lease())
        assert (agent.job.state, agent.job.made) == (JobState.DONE, ())
        assert agent.job.preview_note == note
        assert " ".join(json.loads(agent.stored()["job.json"])["preview_notes"]) == note

    def test_a_worker_that_loses_the_job_over_its_preview_ends_nothing(self, agent: Agent) -> None:
        rendering(agent)
        agent.render(task("1-2"), agent.lease())
        lease = agent.lease()
        proxy = agent.bucket.proxy

        def lose(job: Job, record: FrameRecord) -> StoredProxy | None:
            lease._lost.set()
            return proxy(job, record)

        agent.bucket.proxy = lose  # type: ignore[method-assign]
        with pytest.raises(InterruptedTaskError):
            agent.finish(FINISH, lease)
        assert agent.job.state is JobState.FINISHING
        assert "job.json" not in agent.stored()

    def test_a_finish_that_comes_again_changes_nothing(self, agent: Agent) -> None:
        rendering(agent)
        agent.render(task("1-2"), agent.lease())
        agent.finish(FINISH, agent.lease())
        ended = agent.job
        assert isinstance(agent.finish(FINISH, agent.lease()), Settled)
        assert agent.job == ended
