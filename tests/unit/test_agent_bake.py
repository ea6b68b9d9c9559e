"""What the agent makes of a bake task, with everything that goes wrong."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contract.job import Job, JobState
from tests.support.agent import BAKE, JOB_ID, Agent, agent_in, rendering, task
from tests.support.archives import tar, zipped
from tests.support.obedient_blender import CLOTH
from tests.support.one_seat import turns_at
from worker_agent.blender import BlenderDied, BlenderKilled, MissingFile, SceneRejected
from worker_agent.stores.job_store import JobStore
from worker_agent.tasks.outcome import GiveBack, InterruptedTaskError, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


class TestBake:
    def test_a_scene_becomes_one_task_a_frame(self, agent: Agent) -> None:
        agent.upload(options={"samples": 8})
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.job.state is JobState.RENDERING
        assert (agent.job.frames, agent.job.frame_count) == ("1-4", 4)
        assert agent.sent(agent.aws.render_queue_url) == [task(str(frame)) for frame in range(1, 5)]
        assert agent.blender.opened[0][1] == {"samples": 8}
        blend = agent.scratch.baked(JOB_ID, agent.job.baked_folder) / agent.job.baked_blend
        assert blend.read_bytes() == b"BLENDER"
        assert agent.job.scene["engine"] == "CYCLES"
        assert agent.job.scene["scenes"] == [asdict(scene) for scene in agent.blender.report.scenes]
        assert json.loads(agent.stored()["logs/inspection.json"])["fps"] == 24.0
        assert agent.blender.baked_to == [], "what does not move by itself is not baked"
        assert agent.sessions.fresh_ones == ["reads"]
        published = agent.scratch.baked(JOB_ID, agent.job.baked_folder)
        assert agent.sessions.kept == [(JOB_ID, published)], "the Blender that has it open can render it"

    def test_physics_is_baked_to_the_last_frame_wanted(self, agent: Agent) -> None:
        agent.blender.report = CLOTH
        agent.upload(options={"frames": "60-62,3"})
        agent.bake(BAKE, agent.lease())
        assert agent.blender.baked_to == [62]
        assert agent.sessions.fresh_ones == ["reads", "writes", "reads"], "inspected, baked and proved"
        assert agent.sessions.kept == []
        assert agent.job.bake_progress == {"kind": "cloth", "object": "Sheet", "frame": 3, "last_frame": 62}
        assert [seen for _, seen in agent.blender.proved] == [["what was seen"]]
        blend = agent.scratch.baked(JOB_ID, agent.job.baked_folder) / agent.job.baked_blend
        assert blend.read_bytes() == b"BLENDER baked"

    def test_what_begins_after_the_last_frame_wanted_is_not_baked(self, agent: Agent) -> None:
        late = replace(CLOTH.simulations[0], first_frame=100)
        agent.blender.report = replace(CLOTH, simulations=(late,))
        agent.upload(options={"frames": "60-62"})
        agent.bake(BAKE, agent.lease())
        assert (agent.blender.baked_to, agent.blender.proved) == ([], [])

    def test_a_bake_that_cannot_be_proved_fails_the_job_at_once(self, agent: Agent) -> None:
        agent.blender.report = CLOTH
        agent.blender.proof_errors = [SceneRejected('cloth of "Sheet" at frame 4', "unproved")]
        agent.upload()
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert (agent.job.state, agent.job.reason) == (JobState.FAILED, 'cloth of "Sheet" at frame 4')
        assert agent.sent(agent.aws.render_queue_url) == []

    def test_a_bake_goes_on_when_its_progress_cannot_be_told(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

        monkeypatch.setattr(agent.jobs, "note_bake", refuse)
        agent.blender.report = CLOTH
        agent.upload()
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.job.state is JobState.RENDERING

    def test_many_frames_are_all_sent(self, agent: Agent) -> None:
        agent.upload(options={"frames": "1-123"})
        agent.bake(BAKE, agent.lease())
        sent = agent.sent(agent.aws.render_queue_url)
        assert len(sent) == 123
        assert set(sent) == {task(str(frame)) for frame in range(1, 124)}

    def test_a_range_that_is_long_to_write_stays_as_it_was_asked(self, agent: Agent) -> None:
        agent.upload(options={"frames": "1-60:9"})
        agent.bake(BAKE, agent.lease())
        assert (agent.job.frames, agent.job.frame_count) == ("1-60:9", 60)

    def test_an_archive_is_unpacked(self, agent: Agent) -> None:
        archive = tar(agent.folder / "film.tar.gz", ("film/shot.blend", b"BLENDER"))
        agent.upload("film.tar.gz", archive.read_bytes())
        agent.bake(BAKE, agent.lease())
        assert agent.job.baked_blend == "project/film/shot.blend"

    def test_of_several_scenes_in_an_archive_the_one_asked_for_is_rendered(self, agent: Agent) -> None:
        archive = zipped(agent.folder / "film.zip", ("a.blend", b"BLENDER a"), ("b/b.blend", b"BLENDER b"))
        agent.upload("film.zip", archive.read_bytes(), options={"blend": "b/b.blend"})
        agent.bake(BAKE, agent.lease())
        blend = agent.scratch.baked(JOB_ID, agent.job.baked_folder) / agent.job.baked_blend
        assert blend.read_bytes() == b"BLENDER b"

    def test_a_worker_without_room_gives_an_archive_back(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = zipped(agent.folder / "film.zip", ("a.blend", b"BLENDER"))
        agent.upload("film.zip", archive.read_bytes())
        full = shutil.disk_usage(agent.folder)._replace(free=0)
        with monkeypatch.context() as small:
            small.setattr(shutil, "disk_usage", lambda _: full)
            with pytest.raises(OSError, match="are free"):
                agent.bake(BAKE, agent.lease())
        assert not agent.job.state.ended
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.job.state is JobState.RENDERING

    @pytest.mark.parametrize(
        ("name", "options", "reason"),
        [
            ("scene.blend", {"start_frame": 9}, "start_frame 9 is after end_frame 4"),
            ("film.zip", {}, "film.zip is a .blend, not an archive"),
        ],
    )
    def test_what_cannot_be_rendered_fails_with_the_reason(
        self, agent: Agent, name: str, options: dict[str, int], reason: str
    ) -> None:
        agent.upload(name, options=options)
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.job.state is JobState.FAILED
        assert reason in agent.job.reason
        assert agent.sent(agent.aws.render_queue_url) == []
        assert not any((agent.folder / "scratch").rglob("*.*")), "its scratch space is cleared"

    def test_a_scene_that_blender_refuses_fails_at_once_with_its_log(self, agent: Agent) -> None:
        agent.upload()
        agent.blender.open_errors = [SceneRejected("it has no camera", "no_camera", "the log")]
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert (agent.job.state, agent.job.reason) == (JobState.FAILED, "it has no camera")
        assert b"the log" in agent.stored()["logs/bake.log"]

    def test_missing_files_fail_the_job_with_their_list(self, agent: Agent) -> None:
        agent.blender.report = replace(
            agent.blender.report,
            missing_files=tuple(MissingFile("image", f"{n}", f"//{n}.png", "") for n in range(30)),
            missing_file_count=300,
        )
        agent.upload()
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.job.state is JobState.FAILED
        assert agent.job.reason.startswith(
            '300 files that the scene needs are missing: image "0" (//0.png); '
        )
        assert 'image "19" (//19.png); and 280 more. Pack them' in agent.job.reason
        assert "allow_missing=yes" in agent.job.reason
        assert agent.job.scene["missing_files"][-1] == "and 280 more"
        assert len(json.loads(agent.stored()["logs/inspection.json"])["missing_files"]) == 30
        assert agent.sent(agent.aws.render_queue_url) == []

    def test_missing_files_that_are_allowed_are_only_recorded(self, agent: Agent) -> None:
        agent.blender.report = replace(
            agent.blender.report,
            missing_files=(
                MissingFile("image sequence", "Fire", "//f1.png", "1 of 2 files, such as f2.png"),
            ),
            missing_file_count=1,
        )
        agent.upload(options={"allow_missing": True})
        agent.bake(BAKE, agent.lease())
        assert agent.job.state is JobState.RENDERING
        expected = ['image sequence "Fire" (//f1.png; 1 of 2 files, such as f2.png)']
        assert agent.job.scene["missing_files"] == expected

    def test_files_are_looked_for_once_and_for_the_frames_asked_for(self, agent: Agent) -> None:
        rendering(agent, frames="5,1-2")
        agent.render(task("1"), agent.lease())
        assert agent.blender.asked_frames == [{"frames": [5, 1, 2]}, None]

    def test_a_source_that_is_gone_fails_the_job(self, agent: Agent) -> None:
        agent.upload()
        agent.aws.s3.delete_object(
            Bucket=agent.job.bucket, Key=agent.job.source_key, VersionId=agent.job.source_version
        )
        agent.bake(BAKE, agent.lease())
        assert agent.job.state is JobState.FAILED
        assert "upload it again" in agent.job.reason

    def test_the_version_uploaded_is_rendered_not_the_latest(self, agent: Agent) -> None:
        agent.upload()
        agent.aws.s3.put_object(Bucket=agent.job.bucket, Key=agent.job.source_key, Body=b"LATER")
        agent.bake(BAKE, agent.lease())
        blend = agent.scratch.baked(JOB_ID, agent.job.baked_folder) / agent.job.baked_blend
        assert blend.read_bytes() == b"BLENDER"

    def test_a_crash_is_tried_again_and_then_fails_the_job(self, agent: Agent) -> None:
        agent.upload()
        agent.blender.open_errors = [BlenderDied("Blender crashed", "crashed", "the log") for _ in range(3)]
        assert isinstance(agent.bake(BAKE, agent.lease()), GiveBack)
        assert isinstance(agent.bake(BAKE, agent.lease()), GiveBack)
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.job.state is JobState.FAILED
        assert agent.job.reason == "Blender crashed (tried 3 times)"

    def test_an_interruption_counts_against_nobody(self, agent: Agent) -> None:
        agent.upload()
        agent.blender.open_errors = [BlenderKilled("", "killed") for _ in range(5)]
        for _ in range(5):
            with pytest.raises(InterruptedTaskError):
                agent.bake(BAKE, agent.lease())
        assert agent.job.bake_attempts == 0
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert agent.job.state is JobState.RENDERING

    def test_a_message_that_comes_again_bakes_nothing_again(self, agent: Agent) -> None:
        rendering(agent)
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert len(agent.blender.opened) == 1
        assert agent.sent(agent.aws.render_queue_url) == []

    def test_a_copy_of_the_message_waits_for_the_present_baker(self, agent: Agent) -> None:
        agent.upload()
        agent.blender.report = CLOTH
        outcomes = []
        agent.blender.during_bake = lambda: outcomes.append(agent.bake(BAKE, agent.lease("copy")))
        agent.bake(BAKE, agent.lease())
        assert isinstance(outcomes[0], GiveBack)
        assert agent.blender.baked_to == [4]

    def test_a_baker_that_was_followed_by_another_publishes_nothing(self, agent: Agent) -> None:
        agent.upload()
        agent.blender.report = CLOTH

        def take_over() -> None:
            agent.blender.during_bake = lambda: None
            bake = agent.baker(turns_at(agent.sessions))
            assert isinstance(bake(BAKE, agent.lease()), Settled)

        agent.blender.during_bake = take_over
        with pytest.raises((InterruptedTaskError, FileNotFoundError)):
            agent.bake(BAKE, agent.lease())
        blend = agent.scratch.baked(JOB_ID, agent.job.baked_folder) / agent.job.baked_blend
        assert blend.read_bytes() == b"BLENDER baked"
        assert len(agent.sent(agent.aws.render_queue_url)) == 4, "the frames were sent once"

    def test_a_baker_that_lost_its_lease_publishes_nothing(self, agent: Agent) -> None:
        agent.upload()
        with pytest.raises(InterruptedTaskError):
            agent.bake(BAKE, agent.lost_lease())
        assert agent.job.state is JobState.BAKING
        assert agent.sent(agent.aws.render_queue_url) == []

    def test_sending_the_frames_of_a_baked_job_is_no_loss_of_the_bake(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A renewal may fall between the publishing and the last frame sent: the job bakes no more."""
        agent.upload()
        lease = agent.lease()
        monkeypatch.setattr(lease.queue, "extend", lambda *_: None)
        send = agent.aws.sqs.send_message_batch

        def renew_and_send(**call: Any) -> Any:
            lease.renew()
            return send(**call)

        monkeypatch.setattr(agent.aws.sqs, "send_message_batch", renew_and_send)
        agent.bake(BAKE, lease)
        assert not lease.lost

    def test_a_copy_that_comes_between_publishing_and_sending_sends_them(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It read the job as baking. As it is settled, the baker loses its lease: nobody would send them."""
        agent.upload()
        read, send = JobStore.job, agent.aws.sqs.send_message_batch
        outcomes = []

        def read_before_it_was_published(jobs: JobStore, job_id: str) -> Job | None:
            monkeypatch.setattr(JobStore, "job", read)
            job = read(jobs, job_id)
            return job and replace(job, state=JobState.BAKING)

        def copy_comes_first(**call: Any) -> Any:
            monkeypatch.setattr(agent.aws.sqs, "send_message_batch", send)
            monkeypatch.setattr(JobStore, "job", read_before_it_was_published)
            outcomes.append(agent.bake(BAKE, agent.lease("copy")))
            raise InterruptedTaskError("the lease was lost before sqs send_message_batch")

        monkeypatch.setattr(agent.aws.sqs, "send_message_batch", copy_comes_first)
        with pytest.raises(InterruptedTaskError):
            agent.bake(BAKE, agent.lease())
        assert isinstance(outcomes[0], Settled)
        assert len(agent.sent(agent.aws.render_queue_url)) == 4

    def test_frames_that_were_not_sent_are_sent_by_the_next_delivery(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent.upload()
        with monkeypatch.context() as away:
            away.setattr(
                agent.aws.sqs, "send_message_batch", lambda **_: {"Failed": [{"Id": "0", "Code": "x"}]}
            )
            with pytest.raises(OSError, match="SQS refused"):
                agent.bake(BAKE, agent.lease())
        assert agent.job.state is JobState.RENDERING
        assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
        assert len(agent.sent(agent.aws.render_queue_url)) == 4
        assert len(agent.blender.opened) == 1
