"""What a worker says of itself in the job table, and when."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.tasks import BakeTask, FinishTask, RenderTask, Task
from contract.worker_record import NO_FRAME, RENEW_SECONDS, Doing, WorkerRecord, worker_key
from tests.support.agent import JOB_ID, Agent, agent_in, rendering, task
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.timed_fleet import Time
from worker_agent.interruptions.tasks_in_hand import TasksInHand
from worker_agent.seats.frame_clock import FrameClock
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.task_queue import Message, TaskQueue
from worker_agent.telemetry.worker_report import LOOK_SECONDS, WorkerReport


class Table:
    """The real one, counted, and silent on purpose."""

    def __init__(self, aws: AwsEdges) -> None:
        self.aws = aws
        self.puts = 0
        self.silent = False

    def put_item(self, **arguments: Any) -> None:
        self.puts += 1
        if self.silent:
            raise ConnectionError("DynamoDB is away")
        self.aws.dynamodb.put_item(**arguments)

    @property
    def record(self) -> WorkerRecord | None:
        answer = self.aws.dynamodb.get_item(TableName=self.aws.job_table_name, Key=worker_key("i-1"))
        return WorkerRecord.from_item(answer["Item"]) if "Item" in answer else None


class Worker:
    def __init__(self, aws: AwsEdges) -> None:
        self.table = Table(aws)
        self.time = Time(5000.0)
        self.in_hand = TasksInHand(lambda _: None, self.time)
        self.frames = FrameClock(self.time, self.time)
        self.sessions = 1
        self.lease = Lease(TaskQueue(aws.sqs, aws.render_queue_url), Message("m", "r", ""), 60, lambda: None)
        self.report = WorkerReport(
            self.table,
            table=aws.job_table_name,
            worker_id="i-1",
            in_hand=self.in_hand,
            frame_clock=self.frames,
            sessions=lambda: self.sessions,
            now=self.time,
        )

    def look(self) -> tuple[Doing, str, int, int]:
        self.report.look()
        record = self.table.record
        assert record
        return record.doing, record.job_id, record.frame, record.since


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as aws:
        yield aws


@pytest.fixture
def worker(aws: AwsEdges) -> Worker:
    return Worker(aws)


def test_it_says_what_it_does_and_since_when(worker: Worker) -> None:
    assert worker.look() == (Doing.IDLE, "", NO_FRAME, 5000)
    tasks: list[tuple[Task, Doing]] = [(BakeTask(JOB_ID), Doing.BAKE), (FinishTask(JOB_ID), Doing.FINISH)]
    for held, doing in tasks:
        worker.time.now += 10
        began = int(worker.time.now)
        with worker.in_hand.hold(held, worker.lease):
            worker.time.now += 30
            assert worker.look() == (doing, JOB_ID, NO_FRAME, began)
        assert worker.look() == (Doing.IDLE, "", NO_FRAME, began + 30)


def test_a_frame_is_rendered_since_blender_is_at_it(worker: Worker) -> None:
    worker.frames.turn_to(7)  # of a task before
    worker.time.now += 10
    with worker.in_hand.hold(RenderTask(JOB_ID, "3-5"), worker.lease):
        assert worker.look() == (Doing.RENDER, JOB_ID, NO_FRAME, 5010)  # its scene is being opened
        worker.time.now += 20
        worker.frames.turn_to(4)
        worker.time.now += 20
        assert worker.look() == (Doing.RENDER, JOB_ID, 4, 5030)


def test_it_says_how_long_the_jobs_last_frames_took(worker: Worker) -> None:
    def told(job_id: str) -> tuple[float, ...]:
        with worker.in_hand.hold(RenderTask(job_id, "3"), worker.lease):
            worker.look()
        record = worker.table.record
        assert record
        return record.recent_seconds

    assert told("a") == ()
    for seconds in (1.0, 2.5, 3.0, 4.0):
        worker.frames.has_rendered("a", seconds)
    assert told("a") == (2.5, 3.0, 4.0)
    assert told("b") == ()
    worker.frames.has_rendered("b", 7.0)
    assert told("b") == (7.0,)


def test_it_says_how_many_frames_it_renders_at_once(worker: Worker) -> None:
    def told() -> int:
        worker.report.look()
        assert worker.table.record
        return worker.table.record.sessions

    worker.sessions = 3
    assert told() == 1, "it renders none"
    with worker.in_hand.hold(RenderTask("a", "3"), worker.lease):
        assert told() == 3


def test_it_is_written_when_it_has_changed_and_each_minute(worker: Worker) -> None:
    for _ in range(int(5 * RENEW_SECONDS / LOOK_SECONDS)):
        assert worker.report.look() == LOOK_SECONDS
        worker.time.now += LOOK_SECONDS
    assert worker.table.puts == 5
    record = worker.table.record
    assert record and worker.time.now - record.seen_at <= RENEW_SECONDS
    worker.time.now = 100.0  # the clock was wrong, and was set back
    worker.report.look()
    assert worker.table.puts == 6


def test_a_table_that_is_away_is_said_once_and_asked_ever_less(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    worker.table.silent = True
    with caplog.at_level(logging.WARNING):
        delays = [worker.report.look() for _ in range(20)]
    assert LOOK_SECONDS <= delays[0] <= 2 * LOOK_SECONDS
    assert min(delays[-5:]) >= 30 and max(delays) <= 60 and len(set(delays)) > 10
    assert len(caplog.records) == 1
    worker.table.silent = False
    assert worker.report.look() == LOOK_SECONDS
    assert worker.table.record


def said(worker: Worker) -> Doing | None:
    record = worker.table.record
    return record.doing if record else None


def test_a_worker_that_ends_says_that_it_does_nothing(worker: Worker) -> None:
    """Its record stays: a machine without one is taken for one that hangs, while its agent restarts."""
    with worker.in_hand.hold(RenderTask(JOB_ID, "3"), worker.lease):
        worker.report.start()
        deadline = time.monotonic() + 5
        while not worker.table.record and time.monotonic() < deadline:
            time.sleep(0.01)
        assert said(worker) is Doing.RENDER
    worker.report.stop()
    assert said(worker) is Doing.IDLE


def test_an_end_without_the_table_is_an_end(worker: Worker) -> None:
    worker.table.silent = True
    worker.report.start()
    worker.report.stop()


def test_it_is_said_to_be_at_the_frame_that_blender_is_at(tmp_path: Path) -> None:
    seen: list[int | None] = []
    with agent_in(tmp_path) as agent:
        rendering(agent, "1-3")
        agent.blender.during_render = lambda: seen.append(at(agent))
        agent.render(task("1-3"), agent.lease())
        assert seen == [1, 2, 3]
        assert at(agent) is None
        assert len(agent.clock.recent_seconds(JOB_ID)) == 3


def at(agent: Agent) -> int | None:
    return agent.clock.frame[0] if agent.clock.frame else None
