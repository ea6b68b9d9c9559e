"""What the agent makes of the Blender that a job is bound to, and of a worker that has it not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.job import FrameState, JobState
from contract.tasks import BakeTask, FinishTask, RenderTask
from tests.support.agent import JOB_ID, Agent, agent_in
from worker_agent.bake.bake_task import MAX_RUNTIME_ATTEMPTS
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.tasks.outcome import GiveBack, InterruptedTaskError, Settled

BAKE = BakeTask(JOB_ID)


def trouble() -> RuntimeUnavailableError:
    return RuntimeUnavailableError("Blender 5.2.3 could not be installed: no network", retry_seconds=7)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def test_a_job_is_bound_to_the_build_that_baked_it(agent: Agent) -> None:
    agent.upload()
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    job = agent.job
    assert (job.blender_version, job.blender_build, job.blender_form) == (
        "4.5.15",
        "5afeabba6097",
        "executable",
    )


def test_the_version_asked_for_is_what_is_chosen_by(agent: Agent) -> None:
    asked: list[str | None] = []
    choose = agent.sessions.choose

    def listen(blend: Path, wanted: str | None) -> object:
        asked.append(wanted)
        return choose(blend, wanted)

    agent.sessions.choose = listen  # type: ignore[method-assign, assignment]
    agent.upload(options={"blender_version": "5.2"})
    agent.bake(BAKE, agent.lease())
    assert asked == ["5.2"]
    assert agent.blender.opened[0][1] == {}, "it is no option of Blender's own"


def test_every_frame_says_which_blender_rendered_it(agent: Agent) -> None:
    agent.upload(options={"frames": "1-2"})
    agent.bake(BAKE, agent.lease())
    agent.render(RenderTask(JOB_ID, "1-2"), agent.lease())
    assert {record.blender_version for record in agent.frames.frames(agent.job)} == {"4.5.15"}
    key = f"{agent.job.project}/output/{JOB_ID}/frames/0001.png"
    head = agent.aws.s3.head_object(Bucket=agent.job.bucket, Key=key)
    assert head["Metadata"] == {"blender-version": "4.5.15"}
    agent.finish(FinishTask(JOB_ID), agent.lease())
    summary = json.loads(agent.stored()["job.json"])
    assert summary["blender"] == {"version": "4.5.15", "build": "5afeabba6097", "form": "executable"}
    assert [frame["blender_version"] for frame in summary["frames"]] == ["4.5.15"] * 2


def test_a_bake_without_its_blender_waits_ever_longer_and_then_fails_the_job(agent: Agent) -> None:
    agent.upload()
    agent.sessions.start_errors = [trouble() for _ in range(MAX_RUNTIME_ATTEMPTS)]
    delays = []
    for _ in range(MAX_RUNTIME_ATTEMPTS - 1):
        outcome = agent.bake(BAKE, agent.lease())
        assert isinstance(outcome, GiveBack)
        delays.append(outcome.delay_seconds)
        assert agent.job.state is JobState.BAKING
        assert agent.job.reason == str(trouble()), "the record says what is waited for"
    assert delays == sorted(set(delays)) and delays[0] >= 30
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    assert agent.job.state is JobState.FAILED
    assert agent.job.reason == f"{trouble()} (tried {MAX_RUNTIME_ATTEMPTS} times)"
    assert agent.job.bake_attempts == 0, "it is no failure of the bake"


def test_a_bake_that_gets_its_blender_at_last_is_as_any_other(agent: Agent) -> None:
    agent.upload()
    agent.sessions.start_errors = [trouble()]
    assert isinstance(agent.bake(BAKE, agent.lease()), GiveBack)
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    assert (agent.job.state, agent.job.reason) == (JobState.RENDERING, "")


def test_a_baker_that_was_replaced_meanwhile_says_nothing_on_the_record(agent: Agent) -> None:
    agent.upload()
    agent.sessions.start_errors = [trouble()]
    count = agent.jobs.count_runtime_failure

    def late(job_id: str, *, token: str, reason: str) -> int:
        return count(job_id, token="of one before", reason=reason)

    agent.jobs.count_runtime_failure = late  # type: ignore[method-assign]
    with pytest.raises(InterruptedTaskError):
        agent.bake(BAKE, agent.lease())
    assert agent.job.reason == ""


def test_a_frame_without_its_blender_is_given_back_and_has_not_failed(agent: Agent) -> None:
    agent.upload(options={"frames": "1-2"})
    agent.bake(BAKE, agent.lease())
    agent.sessions.start_errors = [trouble() for _ in range(10)]
    for _ in range(10):
        outcome = agent.render(RenderTask(JOB_ID, "1"), agent.lease())
        assert isinstance(outcome, GiveBack)
        assert outcome.delay_seconds >= 30
    assert agent.frames.frame(agent.job, 1) is None, "no attempt is counted against it"
    assert (agent.job.state, agent.job.reason) == (JobState.RENDERING, str(trouble()))
    assert isinstance(agent.render(RenderTask(JOB_ID, "1-2"), agent.lease()), Settled)
    agent.finish(FinishTask(JOB_ID), agent.lease())
    assert (agent.job.state, agent.job.reason) == (JobState.DONE, "")
    frame = agent.frames.frame(agent.job, 1)
    assert frame and (frame.state, frame.attempts) == (FrameState.DONE, 0)
