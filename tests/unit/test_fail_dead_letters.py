"""What was given up ends on its job's record, and what was given up rightly harms nobody."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.job import JobState
from contract.settings import DeadLetterSettings
from contract.tasks import BakeTask, FinishTask, RenderTask, Task, encode
from functions.fail_dead_letters import handler
from tests.support.agent import JOB_ID, Agent, agent_in


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        settings = DeadLetterSettings(job_table_name=agent.aws.job_table_name)
        for name, value in settings.to_env().items():
            monkeypatch.setenv(name, value)
        handler._dynamodb.cache_clear()
        yield agent
        handler._dynamodb.cache_clear()


def give_up(*bodies: str) -> None:
    event: dict[str, Any] = {"Records": [{"messageId": "m", "body": body} for body in bodies]}
    handler.handle(event, None)


@pytest.mark.parametrize(
    ("task", "what"),
    [
        (BakeTask(JOB_ID), "its bake"),
        (RenderTask(JOB_ID, "7"), "frames 7"),
        (FinishTask(JOB_ID), "its finish"),
    ],
)
def test_a_task_that_was_given_up_fails_its_job_with_the_reason(agent: Agent, task: Task, what: str) -> None:
    agent.upload(state=JobState.RENDERING, shards=1)
    give_up(encode(task))
    assert agent.job.state is JobState.FAILED
    assert agent.job.reason.startswith(f"{what} was handed to workers too often")


def test_what_the_workers_were_in_want_of_is_told(agent: Agent) -> None:
    agent.upload(state=JobState.RENDERING, shards=1, reason="Blender 5.2.3 could not be installed")
    give_up(encode(RenderTask(JOB_ID, "7")))
    assert agent.job.reason.endswith("; the last trouble was: Blender 5.2.3 could not be installed")


@pytest.mark.parametrize("state", [JobState.DONE, JobState.CANCELED, JobState.DONE_WITH_FAILURES])
def test_a_job_that_has_ended_stays_as_it_is(agent: Agent, state: JobState) -> None:
    agent.upload(state=state)
    give_up(encode(BakeTask(JOB_ID)))
    assert agent.job.state is state


def test_a_job_whose_baker_is_alive_goes_on(agent: Agent) -> None:
    agent.upload()
    agent.jobs.claim_bake(JOB_ID, token="t", message_id="m", lease_until=int(time.time()) + 60)
    give_up(encode(BakeTask(JOB_ID)))
    assert str(agent.job.state) == "BAKING"
    agent.jobs.renew_bake(JOB_ID, token="t", lease_until=int(time.time()) - 1)
    give_up(encode(BakeTask(JOB_ID)))
    assert str(agent.job.state) == "FAILED"


def test_a_frame_whose_message_outlived_it_harms_nobody(agent: Agent) -> None:
    agent.upload(options={"frames": "1-2"})
    agent.bake(BakeTask(JOB_ID), agent.lease())
    agent.render(RenderTask(JOB_ID, "1"), agent.lease())
    give_up(encode(RenderTask(JOB_ID, "1")))
    assert agent.job.state is JobState.RENDERING


def test_one_bad_message_costs_the_others_nothing(agent: Agent) -> None:
    agent.upload()
    give_up("{", encode(BakeTask("unknown-job")), encode(BakeTask(JOB_ID)))
    assert agent.job.state is JobState.FAILED
