"""A task that has to be let go of, whatever its handler is at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.job import FrameState
from contract.table import job_key
from contract.tasks import BakeTask, FinishTask, RenderTask, Task
from tests.support.agent import JOB_ID, Agent, agent_in
from worker_agent.interruptions.departure import Departure, Interruption, Notice
from worker_agent.interruptions.drain import Drain
from worker_agent.interruptions.record import InterruptionRecord
from worker_agent.interruptions.tasks_in_hand import TasksInHand
from worker_agent.seats.frame_clock import FrameClock
from worker_agent.stores import Stores
from worker_agent.stores.frame_store import DoneFrame
from worker_agent.tasks.lease import BlenderUse, Lease
from worker_agent.tasks.task_queue import Message, TaskQueue

RENDER = RenderTask(JOB_ID, "1-2")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def a_lease(agent: Agent) -> Lease:
    queue = TaskQueue(agent.aws.sqs, agent.aws.render_queue_url)
    queue.send([RENDER])
    message = queue.receive(wait_seconds=0, lease_seconds=60)
    assert message
    return Lease(queue, message, 60, lambda: None)


def may_be_taken(lease: Lease) -> Message | None:
    return lease.queue.receive(wait_seconds=0, lease_seconds=60)


def test_a_task_is_taken_from_a_handler_that_does_not_let_go(agent: Agent) -> None:
    noted: list[Task] = []
    in_hand, lease = TasksInHand(noted.append), a_lease(agent)
    with in_hand.hold(RENDER, lease):
        (held,) = in_hand.held
        assert held.task == RENDER
        in_hand.take_away(held)
        in_hand.take_away(held)
        assert lease.lost
        assert noted == [RENDER]
        assert may_be_taken(lease), "by another worker, at once"
        in_hand.give_back(RENDER, lease)  # the handler has ended after all
    assert noted == [RENDER]
    assert not may_be_taken(lease)


def test_a_queue_that_is_away_does_not_end_the_drain(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("SQS is away")

    monkeypatch.setattr(TaskQueue, "give_back", refuse)
    in_hand, lease = TasksInHand(lambda _: pytest.fail("it is not back, so nothing is noted")), a_lease(agent)
    with in_hand.hold(RENDER, lease):
        in_hand.take_away(*in_hand.held)
    assert lease.lost


class Blender:
    """Has a scene open, and dies when it is told to."""

    def __init__(self, clock: FrameClock) -> None:
        self.clock = clock
        self.kills = 0

    def scene_is_open(self, lease: Lease) -> bool:
        return True

    def frame_seconds_left(self, lease: Lease) -> float | None:
        return self.clock.seconds_left()

    def kill(self, lease: Lease) -> bool:
        self.kills += 1
        return True


def test_the_drain_kills_then_loses_its_patience(agent: Agent) -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock, noted = Clock(), list[Task]()
    departure, in_hand, blender = Departure(clock), TasksInHand(noted.append), Blender(FrameClock(clock))
    drain = Drain(departure=departure, in_hand=in_hand, blender=blender, clock=clock)
    blender.clock.begin(30)
    lease = a_lease(agent)
    lease.blender_use = BlenderUse.AT
    with in_hand.hold(RENDER, lease):
        drain.look()
        departure.announce(Notice(kind=Interruption.REBALANCE, seconds=120))
        drain.look()
        assert blender.kills == 0, "the frame will be done"
        departure.announce(Notice(kind=Interruption.SPOT, seconds=20))
        drain.look()
        assert (blender.kills, noted) == (1, []), "a harder notice leaves no time"
        clock.now += 2.9
        drain.look()
        assert noted == []
        clock.now += 0.2
        drain.look()
        assert noted == [RENDER]


def test_interruptions_are_on_the_record_of_what_was_not_done(agent: Agent) -> None:
    agent.upload(options={"frames": "1-2"})
    agent.bake(BakeTask(JOB_ID), agent.lease())
    agent.frames.record_done(
        agent.job, [DoneFrame(frame=1, files=("0001.png",), seconds=1, blender_version="4.5.15")]
    )
    stores = Stores(jobs=agent.jobs, frames=agent.frames, bucket=agent.bucket, scratch=agent.scratch)
    record = InterruptionRecord(stores)
    for task in (RENDER, RENDER, BakeTask(JOB_ID), FinishTask(JOB_ID)):
        record.note(task)
    done, waiting = agent.frames.frame(agent.job, 1), agent.frames.frame(agent.job, 2)
    assert done and waiting
    assert (done.state, done.interruptions) == (FrameState.DONE, 0)
    assert (waiting.state, waiting.interruptions, waiting.attempts) == (FrameState.WAITING, 2, 0)
    assert (agent.job.interruptions, agent.job.bake_attempts) == (1, 0)


def test_a_record_that_cannot_be_written_is_only_logged(
    agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    stores = Stores(jobs=agent.jobs, frames=agent.frames, bucket=agent.bucket, scratch=agent.scratch)
    InterruptionRecord(stores).note(BakeTask("gone"))
    assert "could not record that BakeTask" in caplog.text
    answer = agent.aws.dynamodb.get_item(TableName=agent.aws.job_table_name, Key=job_key("gone"))
    assert "Item" not in answer, "no half a record is made"
