"""What workers died of is tried again, and ends on the record when that does not help.

Every message is delivered twice: SQS and Lambda do that too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contract.failures import FailureKind
from contract.frame_record import FailedAttempt, FrameRecord
from contract.job import FrameState, JobState
from contract.settings import DeadLetterSettings
from contract.tasks import BakeTask, FinishTask, RenderTask, Task, encode
from functions.settle_dead_letters import handler
from functions.settle_dead_letters.records import TRIES
from tests.support.agent import JOB_ID, Agent, agent_in
from tests.support.jobs import put_state

BAKE, FINISH = BakeTask(JOB_ID), FinishTask(JOB_ID)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        settings = DeadLetterSettings(
            job_table_name=agent.aws.job_table_name,
            bake_queue_url=agent.aws.bake_queue_url,
            render_queue_url=agent.aws.render_queue_url,
            urgent_queue_url=agent.aws.urgent_queue_url,
        )
        for name, value in settings.to_env().items():
            monkeypatch.setenv(name, value)
        handler._settlement.cache_clear()
        yield agent
        handler._settlement.cache_clear()


def deliver(**bodies: str) -> list[str]:
    """Hand messages to the Lambda, each under its name as id; the ids that must come again."""
    event = {"Records": [{"messageId": name, "body": body} for name, body in bodies.items()]}
    try:
        answer = handler.handle(event, None)
    except handler.NothingSettledError:  # Lambda takes a run that fails for all of its messages
        return list(bodies)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def die(task: Task, message_id: str) -> None:
    """A task that workers died of, its message delivered twice."""
    for _ in range(2):
        assert deliver(**{message_id: encode(task)}) == []


def rendering(agent: Agent, frames: str = "1-2", **options: Any) -> None:
    """A job whose frames were sent, taken off the queue."""
    agent.upload(options={"frames": frames, **options})
    agent.bake(BAKE, agent.lease())
    agent.sent(agent.aws.render_queue_url)


def record(agent: Agent, frame: int) -> FrameRecord:
    found = agent.frames.frame(agent.job, frame)
    assert found
    return found


def test_a_frame_that_workers_died_of_counts_once_and_is_sent_again(agent: Agent) -> None:
    rendering(agent)
    die(RenderTask(JOB_ID, "1"), "first")
    assert record(agent, 1).state is FrameState.WAITING
    (failure,) = record(agent, 1).failures
    assert failure.kind is FailureKind.WORKER_LOST
    assert "none lived to say" in failure.reason
    assert set(agent.sent(agent.aws.render_queue_url)) == {RenderTask(JOB_ID, "1")}
    assert agent.job.state is JobState.RENDERING


def test_its_last_attempt_fails_the_frame_and_the_job_goes_on(agent: Agent) -> None:
    rendering(agent)
    for number in range(3):
        die(RenderTask(JOB_ID, "1"), f"message-{number}")
    failed = record(agent, 1)
    assert (failed.state, failed.attempts) == (FrameState.FAILED, 3)
    assert "it may need more memory" in failed.reason
    assert failed.ended_at
    assert agent.frames.progress(agent.job).failed == 1
    assert len(agent.sent(agent.aws.render_queue_url)) == 2 * 2  # the third death sent nothing
    assert agent.sent(agent.aws.urgent_queue_url) == []
    agent.render(RenderTask(JOB_ID, "2"), agent.lease())
    assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]
    agent.finish(FINISH, agent.lease())
    assert agent.job.state is JobState.DONE_WITH_FAILURES


@pytest.mark.parametrize("allowed", [1, 5])
def test_attempts_are_those_the_job_asked_for(agent: Agent, allowed: int) -> None:
    rendering(agent, max_attempts=allowed)
    for number in range(allowed):
        assert agent.frames.frame(agent.job, 1) is None or record(agent, 1).state is FrameState.WAITING
        die(RenderTask(JOB_ID, "1"), f"message-{number}")
    assert record(agent, 1).state is FrameState.FAILED


def test_the_last_frame_to_fail_has_the_job_summed_up(agent: Agent) -> None:
    rendering(agent, max_attempts=1)
    agent.render(RenderTask(JOB_ID, "2"), agent.lease())
    die(RenderTask(JOB_ID, "1"), "m")
    assert set(agent.sent(agent.aws.urgent_queue_url)) == {FINISH}
    assert agent.frames.progress(agent.job).failed == 1


def test_frames_of_one_message_part_ways(agent: Agent) -> None:
    """The one that kills workers must not go on taking the others with it."""
    rendering(agent, frames="1-3")
    agent.render(RenderTask(JOB_ID, "2"), agent.lease())
    die(RenderTask(JOB_ID, "1-3"), "m")
    assert set(agent.sent(agent.aws.render_queue_url)) == {RenderTask(JOB_ID, "1"), RenderTask(JOB_ID, "3")}
    assert record(agent, 2).failures == ()


def test_a_frame_whose_message_outlived_it_harms_nobody(agent: Agent) -> None:
    rendering(agent)
    agent.render(RenderTask(JOB_ID, "1"), agent.lease())
    die(RenderTask(JOB_ID, "1"), "m")
    assert record(agent, 1).failures == ()
    assert agent.sent(agent.aws.render_queue_url) == []
    assert agent.job.state is JobState.RENDERING


def test_a_frame_that_is_none_of_the_jobs_is_not_counted(agent: Agent) -> None:
    rendering(agent, max_attempts=1)
    die(RenderTask(JOB_ID, "7"), "m")
    assert agent.frames.frame(agent.job, 7) is None
    assert agent.frames.progress(agent.job).failed == 0


def test_a_bake_is_tried_again_then_its_job_fails_with_the_reason(agent: Agent) -> None:
    agent.upload()
    for number in range(1, 3):
        die(BAKE, f"message-{number}")
        assert agent.job.bake_attempts == number
        assert set(agent.sent(agent.aws.bake_queue_url)) == {BAKE}
    die(BAKE, "message-3")
    assert agent.sent(agent.aws.bake_queue_url) == []
    assert agent.job.state is JobState.FAILED
    assert agent.job.reason.startswith("it could not be baked: workers took it again and again")


def test_a_baker_that_died_before_it_sent_the_frames_is_followed(agent: Agent) -> None:
    agent.upload(state=JobState.RENDERING, shards=1, frames="1-2", frame_count=2)
    die(BAKE, "m")
    assert set(agent.sent(agent.aws.bake_queue_url)) == {BAKE}


def test_a_job_whose_baker_is_alive_goes_on(agent: Agent) -> None:
    agent.upload(options={"max_attempts": 1})
    agent.jobs.claim_bake(JOB_ID, token="t", message_id="m", lease_until=int(time.time()) + 60)
    die(BAKE, "copy")
    assert (agent.job.state, agent.job.bake_attempts) == (JobState.BAKING, 0)
    agent.jobs.renew_bake(JOB_ID, token="t", lease_until=int(time.time()) - 1)
    die(BAKE, "copy")
    assert str(agent.job.state) == "FAILED"


def finishing(agent: Agent) -> None:
    rendering(agent)
    for frame in ("1", "2"):
        agent.render(RenderTask(JOB_ID, frame), agent.lease())
    agent.sent(agent.aws.urgent_queue_url)
    put_state(agent.aws, JOB_ID, JobState.FINISHING)


def test_a_job_that_cannot_be_summed_up_ends_as_what_it_is(agent: Agent) -> None:
    finishing(agent)
    for number in range(2):
        die(FINISH, f"message-{number}")
        assert set(agent.sent(agent.aws.urgent_queue_url)) == {FINISH}
    die(FINISH, "message-2")
    assert agent.sent(agent.aws.urgent_queue_url) == []
    assert (agent.job.state, agent.job.frames_done) == (JobState.DONE, 2)
    assert agent.job.reason.startswith(
        "its 2 rendered frames are in the bucket, but no worker could sum it up"
    )


def test_with_failed_frames_it_says_so(agent: Agent) -> None:
    rendering(agent, max_attempts=1)
    agent.render(RenderTask(JOB_ID, "2"), agent.lease())
    die(RenderTask(JOB_ID, "1"), "frame")
    die(FINISH, "m")
    assert (agent.job.state, agent.job.frames_done, agent.job.frames_failed) == (
        JobState.DONE_WITH_FAILURES,
        1,
        1,
    )
    assert "1 could not be rendered" in agent.job.reason


def test_a_finish_that_came_too_early_ends_nothing(agent: Agent) -> None:
    rendering(agent, max_attempts=1)
    die(FINISH, "m")
    assert agent.job.state is JobState.RENDERING
    assert agent.sent(agent.aws.urgent_queue_url) == []


@pytest.mark.parametrize("task", [BAKE, RenderTask(JOB_ID, "1"), FINISH])
@pytest.mark.parametrize(
    "state", [JobState.DONE, JobState.CANCELED, JobState.DONE_WITH_FAILURES, JobState.FAILED, JobState.HELD]
)
def test_a_job_that_has_ended_or_is_held_stays_as_it_is(agent: Agent, task: Task, state: JobState) -> None:
    rendering(agent, max_attempts=1)
    put_state(agent.aws, JOB_ID, state)
    before = agent.job
    die(task, "m")
    assert agent.job == before
    assert agent.frames.frame(before, 1) is None
    for url in (agent.aws.bake_queue_url, agent.aws.render_queue_url, agent.aws.urgent_queue_url):
        assert agent.sent(url) == []


def test_what_cannot_be_settled_now_comes_again_alone(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Lambda that dies between its write and its send has counted, and sends with the next delivery."""
    rendering(agent)
    settlement = handler._settlement()

    class Refusing:
        def send_message(self, **_: Any) -> None:
            raise OSError("no way to SQS")

    sqs: Any = Refusing()
    bodies = {"bad": "{", "frame": encode(RenderTask(JOB_ID, "1")), "unknown": encode(BakeTask("unknown"))}
    with monkeypatch.context() as cut_off:
        cut_off.setattr(handler, "_settlement", lambda: replace(settlement, sqs=sqs))
        assert deliver(**bodies) == ["frame"]
    assert deliver(frame=bodies["frame"]) == []
    assert record(agent, 1).attempts == 1
    assert agent.sent(agent.aws.render_queue_url) == [RenderTask(JOB_ID, "1")]


def test_a_frames_end_may_be_written_before_the_lambda_dies(agent: Agent) -> None:
    """Then all frames have ended when the message comes again, and nobody else will say so."""
    rendering(agent, frames="1")
    agent.frames.record_failed(agent.job, 1, reason="died")
    deliver(m=encode(RenderTask(JOB_ID, "1")))
    assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]


class Conflicting:
    """A DynamoDB client whose first writes meet other transactions."""

    def __init__(self, client: Any, conflicts: int) -> None:
        self._client = client
        self.exceptions = client.exceptions
        self.conflicts = conflicts
        self.waits: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def _meet(self, code: str, raised: type[ClientError]) -> None:
        if self.conflicts:
            self.conflicts -= 1
            reasons: Any = {"Error": {"Code": code}, "CancellationReasons": [{"Code": "TransactionConflict"}]}
            raise raised(reasons, "write")

    def update_item(self, **arguments: Any) -> Any:
        self._meet("TransactionConflictException", self.exceptions.TransactionConflictException)
        return self._client.update_item(**arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        self._meet("TransactionCanceledException", self.exceptions.TransactionCanceledException)
        return self._client.transact_write_items(**arguments)


@pytest.fixture
def meeting(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Conflicting]:
    """Let the Lambda's next writes conflict."""

    def meet(conflicts: int) -> Conflicting:
        client = Conflicting(agent.aws.dynamodb, conflicts)
        settlement = handler._settlement()
        monkeypatch.setattr(settlement.records, "_dynamodb", client)
        monkeypatch.setattr(settlement.records, "_sleep", client.waits.append)
        return client

    return meet


def test_a_write_that_meets_another_is_tried_again(
    agent: Agent, meeting: Callable[[int], Conflicting]
) -> None:
    rendering(agent, max_attempts=1)
    client = meeting(TRIES - 1)
    deliver(m=encode(RenderTask(JOB_ID, "1")))  # the update that counts it
    assert len(client.waits) == TRIES - 1
    assert record(agent, 1).state is FrameState.FAILED
    counted = FailedAttempt(
        token="dead letter n", kind=FailureKind.WORKER_LOST, reason="r", worker="", at="2026"
    )
    agent.frames.add_failure(agent.job, 2, counted)
    client = meeting(TRIES - 1)
    deliver(n=encode(RenderTask(JOB_ID, "2")))  # the transaction that ends it
    assert len(client.waits) == TRIES - 1
    assert record(agent, 2).state is FrameState.FAILED
    assert agent.frames.progress(agent.job).failed == 2


def test_one_that_goes_on_meeting_others_comes_again(
    agent: Agent, meeting: Callable[[int], Conflicting]
) -> None:
    rendering(agent, frames="1", max_attempts=1)
    meeting(TRIES)
    assert deliver(m=encode(RenderTask(JOB_ID, "1"))) == ["m"]
    assert deliver(m=encode(RenderTask(JOB_ID, "1"))) == []
    assert record(agent, 1).state is FrameState.FAILED


def test_a_job_that_a_worker_takes_meanwhile_is_not_ended(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.upload(options={"max_attempts": 1})
    records = handler._settlement().records
    count = records.count_dead_letter

    def claimed_meanwhile(*arguments: Any, **named: Any) -> Any:
        agent.jobs.claim_bake(JOB_ID, token="t", message_id="m", lease_until=int(time.time()) + 60)
        return count(*arguments, **named)

    monkeypatch.setattr(records, "count_dead_letter", claimed_meanwhile)
    assert deliver(m=encode(BAKE)) == ["m"]
    assert agent.job.state is JobState.BAKING


def test_a_run_that_settles_nothing_fails_so_that_somebody_is_called(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARM_JOB_TABLE_NAME", "a-table-that-is-not-there")
    event = {"Records": [{"messageId": name, "body": encode(BAKE)} for name in ("a", "b")]}
    with pytest.raises(handler.NothingSettledError, match="none of 2"):
        handler.handle(event, None)
