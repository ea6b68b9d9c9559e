"""What becomes of a task while its lease, a service, the disk or the shared file system is in trouble."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from contract.job import FrameState, JobState
from contract.tasks import BakeTask, FinishTask, RenderTask, Task
from tests.support.agent import JOB_ID, Agent, agent_in
from tests.support.obedient_blender import CLOTH
from tests.support.small_disk import SmallDisk, small_disk
from worker_agent.blender import BlenderDied, BlenderFailed, BlenderTimedOut, SceneRejected
from worker_agent.guarded_handler import GuardedHandler
from worker_agent.services.patience import held
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError, MachineTroubleError, Outcome, Settled

BAKE, FINISH = BakeTask(JOB_ID), FinishTask(JOB_ID)


@dataclass
class Trouble:
    """Stands before the services: fails calls, and loses leases, at the calls that it is told."""

    agent: Agent
    seconds: float = 0.0
    """Pass only while somebody waits."""
    away_until: dict[str, float] = field(default_factory=dict)
    """Services, by the time from which they answer."""
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    """When, to which service, what: every call that reached one."""
    before_call: Callable[[str], None] = lambda _: None
    give_up: Callable[[], bool] = lambda: False

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def meet(self, model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.before_call(model.name)
        self.calls.append((self.seconds, service, model.name))
        if self.seconds < self.away_until.get(service, 0):
            raise EndpointConnectionError(endpoint_url=service)

    def do(self, task: Task, lease: Lease) -> Outcome:
        """As the agent's loop does a task."""
        handlers: dict[type[Task], Callable[[Any, Lease], Outcome]] = {
            BakeTask: self.agent.bake,
            RenderTask: self.agent.render,
            FinishTask: self.agent.finish,
        }
        handle = GuardedHandler(handlers[type(task)], machine=self.agent.machine, jobs=self.agent.jobs)
        with held(lease, lambda: self.give_up(), self.sleep):
            return handle(task, lease)


@contextmanager
def in_trouble(agent: Agent) -> Iterator[Trouble]:
    trouble = Trouble(agent)
    clients = (agent.aws.s3, agent.aws.dynamodb, agent.aws.sqs)
    for client in clients:
        client.meta.events.register_first("before-call", trouble.meet)
    yield trouble
    for client in clients:
        client.meta.events.unregister("before-call", trouble.meet)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path, patient_clients=True) as agent:
        yield agent


def rendering(agent: Agent, frames: str = "1-2") -> None:
    agent.upload(options={"frames": frames})
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    agent.sent(agent.aws.render_queue_url)


@pytest.mark.parametrize("service", ["s3", "dynamodb", "sqs"])
class TestServicesAway:
    """A quarter of an hour's outage of one service, from the middle of each kind of task."""

    def test_a_rendered_frame_is_kept(self, agent: Agent, service: str) -> None:
        rendering(agent, "1")
        with in_trouble(agent) as trouble:
            agent.blender.during_render = lambda: trouble.away_until.update({service: 900})
            assert isinstance(trouble.do(RenderTask(JOB_ID, "1"), agent.lease()), Settled)
        assert 900 <= trouble.seconds < 1000
        assert agent.blender.rendered == [1], "once"
        record = agent.frames.frame(agent.job, 1)
        assert record
        assert (record.state, record.failures) == (FrameState.DONE, ())
        assert agent.stored()["frames/0001.png"].startswith(b"\x89PNG")
        assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]
        assert calls_a_minute(trouble, service) <= 10

    def test_a_finished_bake_is_kept(self, agent: Agent, service: str) -> None:
        agent.blender.report = CLOTH
        agent.upload(options={"frames": "1-30"})
        with in_trouble(agent) as trouble:
            agent.blender.during_bake = lambda: trouble.away_until.update({service: 900})
            assert isinstance(trouble.do(BAKE, agent.lease()), Settled)
        assert 900 <= trouble.seconds < 1000
        assert agent.blender.baked_to == [30], "once"
        assert agent.job.state is JobState.RENDERING
        assert len(set(map(str, agent.sent(agent.aws.render_queue_url)))) == 30
        assert calls_a_minute(trouble, service) <= 10

    def test_a_worker_that_must_go_gives_the_work_back(self, agent: Agent, service: str) -> None:
        rendering(agent, "1")
        with in_trouble(agent) as trouble:
            agent.blender.during_render = lambda: trouble.away_until.update({service: 900})
            trouble.give_up = lambda: trouble.seconds >= 60
            with pytest.raises(InterruptedTaskError):
                trouble.do(RenderTask(JOB_ID, "1"), agent.lease())
        assert 60 <= trouble.seconds < 61


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_a_job_is_summed_up_after_an_outage(agent: Agent, service: str) -> None:
    rendering(agent, "1")
    agent.render(RenderTask(JOB_ID, "1"), agent.lease())
    with in_trouble(agent) as trouble:
        trouble.away_until = {service: 900}
        assert isinstance(trouble.do(FINISH, agent.lease()), Settled)
    assert agent.job.state is JobState.DONE
    assert "job.json" in agent.stored()
    assert calls_a_minute(trouble, service) <= 10


def test_nobody_waits_to_tell_of_a_bakes_progress(agent: Agent) -> None:
    """Blender bakes on meanwhile, and its events would not be read."""
    agent.blender.report = CLOTH
    agent.upload(options={"frames": "1"})
    waited = []
    with in_trouble(agent) as trouble:
        agent.blender.during_bake = lambda: trouble.away_until.update({"dynamodb": 60})
        log_tail = agent.blender.log_tail
        agent.blender.log_tail = lambda: waited.append(trouble.seconds) or log_tail()  # type: ignore[method-assign,func-returns-value]
        trouble.do(BAKE, agent.lease())
    assert waited == [0.0]


def calls_a_minute(trouble: Trouble, service: str) -> float:
    """While it was away; what botocore itself tries again is not seen here."""
    failed = [at for at, called, _ in trouble.calls if called == service and at < 900]
    return len(failed) / 15


def test_a_request_that_is_wrong_is_not_repeated(agent: Agent) -> None:
    rendering(agent, "1")

    def refuse(name: str) -> None:
        if name == "PutObject":
            raise ClientError({"Error": {"Code": "AccessDenied"}}, name)

    with in_trouble(agent) as trouble:
        trouble.before_call = refuse
        with pytest.raises(Exception, match="AccessDenied"):
            trouble.do(RenderTask(JOB_ID, "1"), agent.lease())
    assert trouble.seconds == 0


class TestLostLeases:
    """However far a task is when its lease is lost: not one call of it more reaches a service."""

    def calls_of(self, agent: Agent, task: Task, lose_before: int) -> list[str]:
        """What it calls when the lease is lost as its n-th call is under way."""
        lease = agent.lease()
        with in_trouble(agent) as trouble:

            def lose(_: str) -> None:
                if len(trouble.calls) == lose_before:
                    lease._lost.set()

            trouble.before_call = lose
            with suppress(InterruptedTaskError):
                trouble.do(task, lease)
        return [name for _, _, name in trouble.calls]

    @pytest.mark.parametrize("lost_at", [1, 3, 4, 5, 6])
    def test_a_frames_task_is_not_touched_any_more(self, agent: Agent, lost_at: int) -> None:
        rendering(agent, "1")
        assert len(self.calls_of(agent, RenderTask(JOB_ID, "1"), lost_at)) == lost_at + 1

    @pytest.mark.parametrize("lost_at", [1, 3, 5, 6, 7, 8])
    def test_a_bakes_task_is_not_touched_any_more(self, agent: Agent, lost_at: int) -> None:
        agent.upload(options={"frames": "1-30"})
        calls = self.calls_of(agent, BAKE, lost_at)
        assert len(calls) == lost_at + 1 or calls[-1] == "GetObject", "a download is one call in parts"

    def test_a_bake_is_not_published(self, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
        published = []
        monkeypatch.setattr(agent.scratch, "publish", lambda *_: published.append(1))
        agent.upload(options={"frames": "1"})
        lease = agent.lease()
        expect = agent.frames.expect

        def lose(*arguments: Any) -> None:
            expect(*arguments)
            lease._lost.set()

        monkeypatch.setattr(agent.frames, "expect", lose)
        with in_trouble(agent) as trouble, pytest.raises(InterruptedTaskError):
            trouble.do(BAKE, lease)
        assert published == []

    @pytest.mark.parametrize("lost_at", [1, 2, 3, 4])
    def test_a_finishers_task_is_not_touched_any_more(self, agent: Agent, lost_at: int) -> None:
        rendering(agent, "1")
        agent.render(RenderTask(JOB_ID, "1"), agent.lease())
        assert len(self.calls_of(agent, FINISH, lost_at)) == lost_at + 1


class TestMachineTrouble:
    @pytest.fixture
    def disk(self, agent: Agent) -> Iterator[SmallDisk]:
        """The shared file system, which can be taken away."""
        with small_disk(agent.folder / "scratch", kilobytes=1024) as disk:
            yield disk

    @pytest.mark.parametrize(
        "error",
        [
            BlenderFailed("half a picture", "invalid_output"),
            BlenderFailed("cannot save", "cannot_write"),
            BlenderDied("Blender crashed.", "crashed"),
        ],
    )
    def test_a_frame_that_fails_on_a_full_disk_has_no_failed_attempt(
        self, agent: Agent, error: BlenderFailed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendering(agent, "1")
        monkeypatch.setattr(agent.machine, "_minimum_bytes", 1 << 60)
        agent.blender.frame_errors = {1: [error]}
        with in_trouble(agent) as trouble, pytest.raises(MachineTroubleError):
            trouble.do(RenderTask(JOB_ID, "1"), agent.lease())
        assert agent.frames.frame(agent.job, 1) is None
        assert agent.sessions.cleared
        assert "the disk of a worker is full" in agent.job.reason
        monkeypatch.undo()
        with in_trouble(agent) as trouble:
            assert isinstance(trouble.do(RenderTask(JOB_ID, "1"), agent.lease()), Settled)

    @pytest.mark.parametrize(
        "error",
        [
            SceneRejected("scene.blend is not there.", "file_missing"),
            BlenderTimedOut("not done within 60 s", "timed_out"),
        ],
    )
    def test_a_frame_whose_project_went_away_has_no_failed_attempt(
        self, agent: Agent, disk: SmallDisk, error: SceneRejected
    ) -> None:
        rendering(agent, "1")
        agent.blender.frame_errors = {1: [error]}
        agent.blender.during_render = disk.take_away
        with in_trouble(agent) as trouble, pytest.raises(MachineTroubleError):
            trouble.do(RenderTask(JOB_ID, "1"), agent.lease())
        assert agent.frames.frame(agent.job, 1) is None
        assert "not mounted" in agent.job.reason

    def test_no_project_is_opened_where_the_shared_file_system_is_gone(
        self, agent: Agent, disk: SmallDisk
    ) -> None:
        rendering(agent, "1")
        opened = len(agent.blender.opened)
        disk.take_away()
        with in_trouble(agent) as trouble, pytest.raises(MachineTroubleError):
            trouble.do(RenderTask(JOB_ID, "1"), agent.lease())
        assert len(agent.blender.opened) == opened

    def test_a_job_folder_that_is_gone_is_no_trouble_of_the_machines(
        self, agent: Agent, disk: SmallDisk
    ) -> None:
        rendering(agent, "1")
        agent.blender.open_errors = [SceneRejected("scene.blend is not there.", "file_missing")]
        with in_trouble(agent) as trouble:
            trouble.do(RenderTask(JOB_ID, "1"), agent.lease())
        record = agent.frames.frame(agent.job, 1)
        assert record
        assert len(record.failures) == 1

    def test_a_bake_whose_file_system_went_away_is_given_back(self, agent: Agent, disk: SmallDisk) -> None:
        agent.blender.report = CLOTH
        agent.blender.bake_errors = [BlenderFailed("cannot write the cache", "bake_failed")]
        agent.blender.during_bake = disk.take_away
        agent.upload()
        with in_trouble(agent) as trouble, pytest.raises(MachineTroubleError):
            trouble.do(BAKE, agent.lease())
        assert (agent.job.state, agent.job.bake_attempts) == (JobState.BAKING, 0)
        assert "not mounted" in agent.job.reason

    def test_a_bake_is_not_published_to_a_folder_of_this_machine_alone(
        self, agent: Agent, disk: SmallDisk
    ) -> None:
        agent.blender.report = CLOTH
        agent.upload()
        prove = agent.blender.prove

        def prove_and_lose(*arguments: Any, **named: Any) -> None:
            prove(*arguments, **named)
            disk.take_away()

        agent.blender.prove = prove_and_lose  # type: ignore[method-assign]
        with in_trouble(agent) as trouble, pytest.raises(MachineTroubleError):
            trouble.do(BAKE, agent.lease())
        assert agent.job.state is JobState.BAKING

    def test_trouble_that_cannot_be_told_is_trouble_still(
        self, agent: Agent, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendering(agent, "1")

        def refuse(*_: Any) -> None:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

        monkeypatch.setattr(agent.jobs, "note_trouble", refuse)
        disk.take_away()
        with in_trouble(agent) as trouble, pytest.raises(MachineTroubleError):
            trouble.do(RenderTask(JOB_ID, "1"), agent.lease())
        assert trouble.seconds == 0, "nobody waits to tell it"
