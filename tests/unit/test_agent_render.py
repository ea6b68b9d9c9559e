"""What the agent makes of render tasks, with everything that goes wrong."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.job import FrameState, Job, JobState
from tests.support.agent import FINISH, Agent, agent_in, rendering, task
from tests.support.obedient_blender import PICTURE
from worker_agent.blender import BlenderDied, BlenderFailed, BlenderKilled
from worker_agent.stores.frame_store import DoneFrame
from worker_agent.tasks.outcome import GiveBack, InterruptedTaskError, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


class TestRender:
    def test_a_frame_is_in_the_bucket_before_its_record(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendering(agent)
        agent.blender.extra_files = ("depth/{:04d}.png",)
        seen: list[set[str]] = []
        record = agent.frames.record_done

        def look_and_record(job: Job, done: Sequence[DoneFrame], **told: int) -> frozenset[int]:
            seen.append(set(agent.stored()))
            return record(job, done, **told)

        monkeypatch.setattr(agent.frames, "record_done", look_and_record)
        assert isinstance(agent.render(task("1"), agent.lease()), Settled)
        assert {"frames/0001.png", "frames/depth/0001.png"} <= seen[0]
        frame = agent.frames.frame(agent.job, 1)
        assert frame and frame.proxy
        assert {"logs/frame-0001.log", frame.proxy.key} <= seen[0], "or the last one misses the preview"
        assert (frame.state, frame.files) == (FrameState.DONE, ("0001.png", "depth/0001.png"))
        assert agent.stored()["frames/0001.png"] == PICTURE
        assert agent.stored()["logs/frame-0001.log"] == b"Fra:1 Saved"
        assert not list((agent.folder / "work").rglob("*.*")), "nothing is left on the worker"

    def test_a_bucket_that_takes_no_small_pictures_costs_no_frame(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        rendering(agent)

        def fail(*_: object) -> None:
            raise ConnectionError("the bucket is away")

        monkeypatch.setattr(agent.bucket, "put_pictures", fail)
        assert isinstance(agent.render(task("1"), agent.lease()), Settled)
        frame = agent.frames.frame(agent.job, 1)
        assert frame and frame.state is FrameState.DONE
        assert "small pictures of 1 of" in caplog.text
        assert "frames/0001.png" in agent.stored()

    def test_linear_frames_are_shown_by_the_scenes_view(self, agent: Agent) -> None:
        rendering(agent)
        view = replace(agent.blender.report.color_view, stored_in="scene_linear", view="AgX")
        agent.blender.report = replace(agent.blender.report, color_view=view)
        agent.blender.color_config = "/nowhere/config.ocio"
        agent.render(task("1"), agent.lease())
        frame = agent.frames.frame(agent.job, 1)
        assert frame
        proxy = agent.bucket.proxy(agent.job, frame)
        assert proxy
        assert proxy.note.startswith('The preview is in plain sRGB, without the view transform "AgX"')
        agent.render(task("2"), agent.lease())
        agent.finish(FINISH, agent.lease())
        assert agent.job.preview_note == proxy.note
        assert agent.job.scene["color_view"]["view"] == "Standard", "as it was inspected"

    def test_a_frame_that_is_done_is_not_rendered_again(self, agent: Agent) -> None:
        rendering(agent)
        for _ in range(3):
            assert isinstance(agent.render(task("1"), agent.lease()), Settled)
        assert agent.blender.rendered == [1]

    def test_the_last_frame_sends_the_finish(self, agent: Agent) -> None:
        rendering(agent)
        agent.render(task("1"), agent.lease())
        assert agent.sent(agent.aws.urgent_queue_url) == []
        agent.render(task("2"), agent.lease())
        assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]
        agent.render(task("1"), agent.lease())
        assert agent.sent(agent.aws.urgent_queue_url) == [FINISH], "as its sender may have died before"

    def test_a_failed_frame_is_tried_again_later_and_then_given_up(self, agent: Agent) -> None:
        rendering(agent)
        agent.blender.frame_errors = {1: [BlenderFailed("out of memory", "memory", "log", 1)] * 3}
        delays = []
        for _ in range(2):
            outcome = agent.render(task("1"), agent.lease())
            assert isinstance(outcome, GiveBack)
            delays.append(outcome.delay_seconds)
            agent.now += 30
        assert 0 < delays[0] < delays[1]
        assert isinstance(agent.render(task("1"), agent.lease()), Settled)
        frame = agent.frames.frame(agent.job, 1)
        assert frame
        assert (frame.state, frame.attempts, frame.reason) == (FrameState.FAILED, 3, "out of memory")
        assert [failure.worker for failure in frame.failures] == ["worker-1"] * 3
        assert [failure.log for failure in frame.failures] == [
            f"logs/frame-0001-attempt-{number}.log" for number in (1, 2, 3)
        ]
        assert all(agent.stored()[failure.log] == b"log\nout of memory\n" for failure in frame.failures)
        assert agent.job.state is JobState.RENDERING, "the job goes on"

    def test_a_frame_that_is_given_up_does_not_hold_up_the_rest_of_its_task(self, agent: Agent) -> None:
        rendering(agent)
        agent.blender.frame_errors = {1: [BlenderFailed("crash", "x", "", 1)] * 3}
        for _ in range(3):
            agent.render(task("1-2"), agent.lease())
            agent.now += 30
        assert agent.blender.rendered == [2]
        assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]

    def test_a_frame_that_this_worker_failed_is_left_to_others_for_a_while(self, agent: Agent) -> None:
        rendering(agent)
        agent.blender.frame_errors = {1: [BlenderFailed("crash", "crashed", "", 1)]}
        agent.render(task("1"), agent.lease())
        outcome = agent.render(task("1"), agent.lease())
        assert isinstance(outcome, GiveBack)
        assert 0 < outcome.delay_seconds < 30
        assert agent.blender.rendered == []
        assert isinstance(agent.render(task("2"), agent.lease()), Settled), "its other frames go on"
        agent.now += 30
        assert isinstance(agent.render(task("1"), agent.lease()), Settled), "there was nobody else"
        assert agent.blender.rendered == [2, 1]

    def test_a_job_may_ask_for_other_attempts(self, agent: Agent) -> None:
        rendering(agent, options={"max_attempts": 1})
        agent.blender.frame_errors = {1: [BlenderFailed("crash", "crashed", "", 1)]}
        assert isinstance(agent.render(task("1"), agent.lease()), Settled)
        frame = agent.frames.frame(agent.job, 1)
        assert frame
        assert (frame.state, frame.attempts) == (FrameState.FAILED, 1)

    def test_a_job_whose_first_frames_all_fail_stops_early(self, agent: Agent) -> None:
        rendering(agent, "1-3", {"max_attempts": 1, "stop_after_failed_frames": 2})
        agent.blender.frame_errors = {
            frame: [BlenderDied("Blender crashed.", "crashed", frame=frame)] for frame in (1, 2)
        }
        agent.render(task("1"), agent.lease())
        states = [agent.job.state]
        agent.render(task("2"), agent.lease())
        states.append(agent.job.state)
        assert states == [JobState.RENDERING, JobState.FAILED]
        assert agent.job.reason.startswith("stopped early: 2 of the first 2 frames failed in the same way")
        agent.render(task("3"), agent.lease())
        assert agent.blender.rendered == []

    @pytest.mark.parametrize(
        ("options", "seconds"),
        [({}, 4 * 3600), ({"frame_timeout_seconds": 7}, 7)],
    )
    def test_a_frame_has_a_time_limit(self, agent: Agent, options: dict[str, int], seconds: float) -> None:
        rendering(agent, options=options)
        agent.render(task("1"), agent.lease())
        assert agent.blender.limits_seconds == [seconds]

    def test_a_blender_that_failed_is_replaced(self, agent: Agent) -> None:
        rendering(agent)
        agent.blender.frame_errors = {1: [BlenderFailed("crash", "x", "", 1)]}
        agent.render(task("1"), agent.lease())
        assert agent.sessions.closed == 1
        agent.now += 30
        agent.render(task("1"), agent.lease())
        assert agent.sessions.closed == 1, "and one that works stays open"

    def test_an_interruption_counts_against_nobody(self, agent: Agent) -> None:
        rendering(agent)
        agent.blender.frame_errors = {1: [BlenderKilled("", "killed")]}
        with pytest.raises(InterruptedTaskError):
            agent.render(task("1"), agent.lease())
        assert agent.frames.frame(agent.job, 1) is None

    def test_a_worker_that_lost_its_lease_records_nothing(self, agent: Agent) -> None:
        rendering(agent)
        with pytest.raises(InterruptedTaskError):
            agent.render(task("1"), agent.lost_lease())
        agent.blender.frame_errors = {2: [BlenderFailed("crash", "x", "", 2)]}
        with pytest.raises(InterruptedTaskError):
            agent.render(task("2"), agent.lost_lease())
        assert list(agent.frames.frames(agent.job)) == []

    def test_a_bucket_that_fails_leaves_no_record_and_costs_no_open_scene(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendering(agent)

        def refuse(*_: object, **__: object) -> None:
            raise ConnectionError("S3 is away")

        with monkeypatch.context() as away:
            away.setattr(agent.bucket, "upload_frame_file", refuse)
            with pytest.raises(ConnectionError):
                agent.render(task("1"), agent.lease())
        assert agent.frames.frame(agent.job, 1) is None
        assert agent.sessions.closed == 0, "Blender has done its part"

    @pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELED, JobState.DONE])
    def test_frames_of_a_job_that_has_ended_are_dropped(self, agent: Agent, state: JobState) -> None:
        agent.upload(state=state)
        assert isinstance(agent.render(task("1"), agent.lease()), Settled)
        assert agent.blender.opened == []

    def test_frames_are_counted_for_the_dashboard(self, agent: Agent) -> None:
        rendering(agent)
        agent.blender.frame_errors = {2: [BlenderFailed("crash", "x", "", 2)] * 3}
        for frames in ("1", "2", "2", "2"):
            agent.render(task(frames), agent.lease())
            agent.now += 30
        agent.metrics.send()
        found = agent.aws.cloudwatch.list_metrics(Namespace="farm")["Metrics"]
        assert {metric["MetricName"] for metric in found} == {"FramesDone", "FramesFailed", "FrameSeconds"}


class TestOverlap:
    def test_blender_goes_on_while_a_frame_is_kept(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendering(agent, "1-3")
        record, last_one_rendered = agent.frames.record_done, threading.Event()

        def wait_and_record(job: Job, done: Sequence[DoneFrame], **told: int) -> frozenset[int]:
            assert last_one_rendered.wait(20), "Blender waits for the record"
            return record(job, done, **told)

        def look() -> None:
            if agent.blender.rendered == [1, 2]:
                last_one_rendered.set()

        monkeypatch.setattr(agent.frames, "record_done", wait_and_record)
        agent.blender.during_render = look
        assert isinstance(agent.render(task("1-3"), agent.lease()), Settled)
        assert agent.frames.progress(agent.job).done == 3

    def test_another_task_has_blender_while_this_ones_last_frame_is_kept(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendering(agent, "1-2")
        record, other_done = agent.frames.record_done, threading.Event()

        def wait_and_record(job: Job, done: Sequence[DoneFrame], **told: int) -> frozenset[int]:
            if done[0].frame == 1:
                assert other_done.wait(20), "Blender is held for the record"
            return record(job, done, **told)

        monkeypatch.setattr(agent.frames, "record_done", wait_and_record)
        with ThreadPoolExecutor(1) as hand:
            first = hand.submit(agent.render, task("1"), agent.lease())
            while agent.blender.rendered != [1]:
                time.sleep(0.01)
            assert isinstance(agent.render(task("2"), agent.lease()), Settled)
            other_done.set()
            assert isinstance(first.result(20), Settled)
        assert agent.sent(agent.aws.urgent_queue_url).count(FINISH) >= 1

    def test_one_bad_frame_of_many_goes_back_alone(self, agent: Agent) -> None:
        rendering(agent, "1-4")
        agent.blender.frame_errors = {2: [BlenderFailed("crash", "x", "", 2)]}
        outcome = agent.render(task("1-4"), agent.lease())
        assert isinstance(outcome, GiveBack)
        assert (outcome.frames, outcome.delay_seconds) == ((2,), 5)
        assert agent.blender.rendered == [1, 3, 4]
        assert agent.frames.progress(agent.job).done == 3
        assert agent.sent(agent.aws.urgent_queue_url) == []

    def test_a_spoiled_picture_costs_its_own_frame_alone_and_the_scene_is_opened_anew(
        self, agent: Agent
    ) -> None:
        rendering(agent, "1-3")

        def spoil() -> None:
            agent.blender.picture = b"no picture" if agent.blender.rendered == [1] else PICTURE

        agent.blender.during_render = spoil
        outcome = agent.render(task("1-3"), agent.lease())
        assert isinstance(outcome, GiveBack) and outcome.frames == (2,)
        assert [record.frame for record in agent.frames.frames(agent.job) if record.ended] == [1, 3]
        assert agent.sessions.closed == 1

    def test_frames_this_worker_failed_are_left_and_the_others_are_rendered(self, agent: Agent) -> None:
        rendering(agent, "1-3")
        agent.blender.frame_errors = {2: [BlenderFailed("crash", "x", "", 2)]}
        agent.render(task("2"), agent.lease())
        outcome = agent.render(task("1-3"), agent.lease())
        assert isinstance(outcome, GiveBack) and outcome.frames == (2,)
        assert agent.blender.rendered == [1, 3]

    def test_what_was_rendered_before_blender_was_ended_is_kept(self, agent: Agent) -> None:
        rendering(agent, "1-3")
        agent.blender.frame_errors = {3: [BlenderKilled("Blender was stopped by the farm.", "killed")]}
        with pytest.raises(InterruptedTaskError):
            agent.render(task("1-3"), agent.lease())
        assert agent.frames.progress(agent.job).done == 2

    def test_two_frames_may_each_write_a_file_of_the_same_name(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendering(agent, "1-3")
        agent.blender.extra_files = ("timing.txt",)
        upload, last_one_rendered = agent.bucket.upload_frame_file, threading.Event()

        def wait_and_upload(*arguments: Any, **values: Any) -> None:
            assert last_one_rendered.wait(20)
            upload(*arguments, **values)

        def look() -> None:
            if agent.blender.rendered == [1, 2]:
                last_one_rendered.set()

        monkeypatch.setattr(agent.bucket, "upload_frame_file", wait_and_upload)
        agent.blender.during_render = look
        assert isinstance(agent.render(task("1-3"), agent.lease()), Settled)
        assert [record.files[1] for record in agent.frames.frames(agent.job)] == ["timing.txt"] * 3
