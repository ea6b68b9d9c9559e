"""What an agent asks the table of before it renders frames, and what it makes of the answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.job import JobState
from contract.table import job_key
from tests.support.agent import JOB_ID, Agent, agent_in, rendering, task
from worker_agent.tasks.outcome import Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def asked_of_the_table(agent: Agent) -> list[str]:
    """Of all that is asked from now on: the operations."""
    asked: list[str] = []
    events = agent.aws.dynamodb.meta.events
    events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    return asked


def test_the_job_and_what_of_it_has_ended_is_one_question_once_the_job_is_known(agent: Agent) -> None:
    rendering(agent, "1-3")
    asked = asked_of_the_table(agent)
    for frame, reads in (("1", ["GetItem", "GetItem", "Query"]), ("2", ["BatchGetItem"])):
        assert isinstance(agent.render(task(frame), agent.lease()), Settled)
        assert asked == [*reads, "TransactWriteItems", "GetItem"]
        asked.clear()
    agent.render(task("2-3"), agent.lease())
    assert agent.blender.rendered == [1, 2, 3], "what has ended is seen in that question"


@pytest.mark.parametrize("state", [JobState.CANCELED, JobState.BAKING])
def test_a_job_that_is_known_is_seen_as_it_is_now(agent: Agent, state: JobState) -> None:
    rendering(agent, "1-3")
    agent.render(task("1"), agent.lease())
    change(agent, state=state)
    assert agent.render(task("2"), agent.lease()) == Settled(f"its job is {state}")
    assert agent.blender.rendered == [1]


def test_a_job_that_is_spread_otherwise_than_it_was_is_read_anew(agent: Agent) -> None:
    rendering(agent, "1-3")
    agent.render(task("1"), agent.lease())
    change(agent, shards=8)
    agent.frames.expect(JOB_ID, [1, 2, 3], 8)
    agent.frames.record_failed(agent.job, 2, reason="given up by another worker")
    agent.render(task("2-3"), agent.lease())
    assert agent.blender.rendered == [1, 3]
    assert agent.render(task("1"), agent.lease()) == Settled("its frames have ended")


def test_a_job_that_is_gone_is_no_error(agent: Agent) -> None:
    rendering(agent, "1-3")
    agent.render(task("1"), agent.lease())
    agent.aws.dynamodb.delete_item(TableName=agent.aws.job_table_name, Key=job_key(JOB_ID))
    assert agent.render(task("2"), agent.lease()) == Settled("its job is unknown")


def change(agent: Agent, **attributes: Any) -> None:
    item = {**agent.job.to_item(), **job_key(JOB_ID), **attributes}
    agent.aws.dynamodb.put_item(TableName=agent.aws.job_table_name, Item=item)


def test_what_the_table_has_not_read_is_asked_again(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy table leaves the job's own record over: the job is not taken for unknown."""
    rendering(agent, "1-3")
    agent.render(task("1"), agent.lease())
    read, answers = agent.aws.dynamodb.batch_get_item, list[int]()

    def one_at_a_time(*, RequestItems: Any) -> Any:  # noqa: N803  # as boto3 names it
        ((table, asked),) = RequestItems.items()
        first, *left = asked["Keys"][::-1]
        answer = read(RequestItems={table: {**asked, "Keys": [first]}})
        answers.append(len(left))
        return {**answer, "UnprocessedKeys": {table: {**asked, "Keys": left}} if left else {}}

    monkeypatch.setattr(agent.aws.dynamodb, "batch_get_item", one_at_a_time)
    agent.render(task("2"), agent.lease())
    assert (agent.blender.rendered, answers) == ([1, 2], [1, 0])
