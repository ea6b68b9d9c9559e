"""The seconds that a worker is used for each job, as they come to the jobs' records."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from contract.job import Job, JobState
from contract.table import job_key
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from tests.support.timed_fleet import Time
from worker_agent.host.own_machine import MachineFacts, OwnMachine
from worker_agent.jobs.usage_meter import LONGEST_WRITE_SECONDS, LOOK_SECONDS, WRITE_SECONDS, UsageMeter

HOUR = MachineFacts(instance_type="m6i.2xlarge", spot=True, hour_microdollars=360_000)
"""A hundred microdollars a second."""


class Table:
    """The real one, counted, and silent on purpose."""

    def __init__(self, aws: AwsEdges) -> None:
        self.aws = aws
        self.writes = 0
        self.silent = False
        self.hangs: threading.Event | None = None

    def update_item(self, **arguments: Any) -> None:
        if self.hangs:
            self.hangs.wait(10)
        if self.silent:
            raise ConnectionError("DynamoDB is away")
        self.aws.dynamodb.update_item(**arguments)
        self.writes += 1


class Worker:
    def __init__(self, aws: AwsEdges) -> None:
        self.aws, self.table, self.time = aws, Table(aws), Time(1000.0)
        self.machine = SimpleNamespace(facts=HOUR, ask_if_due=lambda: None)
        self.meter = UsageMeter(
            self.table,
            table=aws.job_table_name,
            machine=cast(OwnMachine, self.machine),
            clock=self.time,
        )
        for job_id in ("a", "b"):
            job = a_job(job_id, state=JobState.RENDERING, updated_at="2026")
            aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**job_key(job_id), **job.to_item()})

    def work(self, job_id: str, seconds: float) -> None:
        with self.meter.hold(job_id):
            self.time.now += seconds

    def job(self, job_id: str = "a") -> Job:
        item = self.aws.dynamodb.get_item(TableName=self.aws.job_table_name, Key=job_key(job_id))["Item"]
        return Job.from_item(item)

    def told(self, job_id: str = "a") -> tuple[int, int, int]:
        job = self.job(job_id)
        return job.worker_seconds, job.spot_seconds, job.microdollars


@pytest.fixture
def worker() -> Iterator[Worker]:
    with aws_edges() as aws:
        yield Worker(aws)


def written_at(worker: Worker, seconds: float) -> list[int]:
    """What the job's record says after each write in so much time, in which the job goes on."""
    said = []
    for _ in range(int(seconds / LOOK_SECONDS)):
        worker.time.now += LOOK_SECONDS
        before = worker.table.writes
        assert worker.meter.look() == LOOK_SECONDS
        if worker.table.writes > before:
            said.append(worker.told()[0])
    return said


def test_it_writes_after_a_minute_and_then_ever_more_at_once_while_a_job_goes_on(worker: Worker) -> None:
    with worker.meter.hold("a"):
        said = written_at(worker, 1_110)
    assert said == [60, 120, 240, 480, 780, 1_080]
    assert {WRITE_SECONDS, LONGEST_WRITE_SECONDS} == {60, 300}
    worker.meter.flush()
    assert worker.told() == (1_110, 1_110, 111_000)
    assert worker.job().dollars == 0.111


def test_another_job_and_one_that_comes_again_are_seen_as_soon(worker: Worker) -> None:
    with worker.meter.hold("a"):
        assert written_at(worker, 980)[-1] == 780
    with worker.meter.hold("b"):
        assert written_at(worker, 65) == [980, 980], "what was left of a, and b"
        assert worker.told("b")[0] == 60
    with worker.meter.hold("a"):
        assert written_at(worker, 65) == [980, 1040], "what was left of b, and a"


def test_short_tasks_add_up(worker: Worker) -> None:
    for _ in range(100):
        worker.work("a", 0.75)
        worker.time.now += 0.1
        worker.meter.look()
    assert worker.table.writes == 1
    worker.meter.flush()
    assert worker.told() == (75, 75, 7_500)


def test_parts_of_seconds_are_not_lost_while_the_job_goes_on(worker: Worker) -> None:
    for _ in range(10):
        worker.work("a", 1.4)
        worker.meter.flush()
    assert worker.told()[0] == 14


def test_another_job_has_the_first_one_told_at_the_next_look(worker: Worker) -> None:
    worker.work("a", 10)
    with worker.meter.hold("b"):
        worker.time.now += 3
        worker.meter.look()
        assert (worker.told("a")[0], worker.told("b")[0]) == (10, 0)
        worker.time.now += 4
    worker.meter.flush()
    assert (worker.told("a")[0], worker.told("b")[0]) == (10, 7)


def test_idling_has_all_told_and_counts_for_nobody(worker: Worker) -> None:
    worker.work("a", 10)
    worker.time.now += LOOK_SECONDS
    worker.meter.look()
    assert worker.told()[0] == 10
    worker.time.now += 3600
    worker.meter.look()
    assert worker.told() == (10, 10, 1_000)
    assert worker.table.writes == 1


def test_a_task_that_fails_counts_too(worker: Worker) -> None:
    with pytest.raises(ValueError, match="crash"), worker.meter.hold("a"):
        worker.time.now += 5
        raise ValueError("crash")
    worker.meter.flush()
    assert worker.told()[0] == 5


def test_no_spot_and_no_price(worker: Worker) -> None:
    worker.machine.facts = MachineFacts()
    worker.work("a", 5)
    worker.meter.flush()
    assert worker.told() == (5, 0, 0)


def test_the_job_has_not_moved_by_it(worker: Worker) -> None:
    worker.work("a", 5)
    worker.meter.flush()
    assert (worker.job().updated_at, worker.job().state) == ("2026", JobState.RENDERING)


def test_a_job_that_is_not_there_is_not_made(worker: Worker) -> None:
    worker.work("nobody", 5)
    assert worker.meter.look() == LOOK_SECONDS
    worker.time.now += LOOK_SECONDS
    worker.meter.look()
    key = job_key("nobody")
    assert "Item" not in worker.aws.dynamodb.get_item(TableName=worker.aws.job_table_name, Key=key)
    assert worker.meter._unwritten == {}


def test_a_table_that_is_away_is_told_later_and_once(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    worker.table.silent = True
    worker.work("a", 70)
    worker.time.now += LOOK_SECONDS
    with caplog.at_level(logging.WARNING):
        delays = [worker.meter.look() for _ in range(10)]
    assert len(caplog.records) == 1
    assert LOOK_SECONDS <= delays[0] <= 2 * LOOK_SECONDS < delays[-1]
    worker.work("b", 5)
    worker.table.silent = False
    worker.meter.flush()
    assert (worker.told("a")[0], worker.told("b")[0]) == (70, 5)
    worker.meter.flush()
    assert worker.told("a")[0] == 70


def test_its_thread_and_its_end(worker: Worker) -> None:
    worker.meter.start()
    worker.work("a", 7)
    worker.meter.stop()
    assert worker.told()[0] == 7


def test_a_write_that_hangs_holds_up_nobody(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker_agent.jobs.usage_meter.JOIN_SECONDS", 0.1)
    worker.table.hangs = threading.Event()
    worker.work("a", 70)
    worker.meter.start()
    began = time.monotonic()
    while not worker.meter._writing.locked():
        time.sleep(0.01)
    worker.work("b", 1)
    worker.meter.flush()
    worker.meter.stop()
    assert time.monotonic() - began < 5
    worker.table.hangs.set()
    worker.meter._thread.join(5)
    worker.table.hangs = None
    worker.meter.flush()
    assert (worker.told("a")[0], worker.told("b")[0]) == (70, 1)
