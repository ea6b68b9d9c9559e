"""What the services in memory do with conditions, transactions that meet, and leases that lapse."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import boto3
import pytest

from bench.aws_in_memory import Latencies, Services
from bench.scale.fleet import session_of
from contract.job import JobState, Progress
from contract.table import counter_key
from tests.support.jobs import a_job
from worker_agent.stores.frame_store import CONFLICT_TRIES, FrameStore
from worker_agent.tasks.task_queue import LeaseLostError, TaskQueue

IN_FLIGHT_SECONDS = 1.0
JOB = a_job(state=JobState.RENDERING, shards=1)


def _session(services: Services) -> boto3.Session:
    return boto3.Session(botocore_session=session_of(services))


def _table(services: Services) -> Any:
    return _session(services).resource("dynamodb").meta.client


def _end(store: FrameStore, frame: int) -> bool:
    return store.record_failed(JOB, frame, reason="no camera")


def test_a_frame_counts_once() -> None:
    store = FrameStore(_table(Services(Latencies.none())), "jobs", "worker")
    store.expect(JOB.job_id, [1, 2], 1)
    assert _end(store, 1)
    assert not _end(store, 1)
    assert store.progress(JOB) == Progress(total=2, failed=1)


def test_of_two_transactions_at_one_counter_the_second_is_rejected() -> None:
    services = Services(
        replace(Latencies.none(), transaction_least=IN_FLIGHT_SECONDS, transaction_most=IN_FLIGHT_SECONDS)
    )
    table = _table(services)
    store = FrameStore(table, "jobs", "worker", sleep=lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(_end, store, 1)
        time.sleep(IN_FLIGHT_SECONDS / 4)
        with pytest.raises(table.exceptions.TransactionCanceledException, match="TransactionConflict"):
            _end(store, 2)
        with pytest.raises(table.exceptions.TransactionConflictException):
            table.update_item(TableName="jobs", Key=counter_key(JOB.job_id, 0), UpdateExpression="REMOVE a")
        assert first.result(5)
    assert services.table.conflicts.total() == CONFLICT_TRIES + 1
    assert services.table.units.writes["frames"] == 4 * (
        1 + CONFLICT_TRIES
    )  # rejected ones are paid for, too


def test_a_message_is_one_workers_until_its_lease_is_over() -> None:
    sqs = _session(Services(Latencies.none())).client("sqs")
    queue = TaskQueue(sqs, "https://sqs.us-east-1.amazonaws.com/1/q")
    queue.send_body("a task")
    (first,) = queue.receive_many(most=10, wait_seconds=0, lease_seconds=1)
    assert not queue.receive_many(most=10, wait_seconds=0, lease_seconds=1)
    (second,) = queue.receive_many(most=10, wait_seconds=3, lease_seconds=60)
    assert (second.id, second.receives) == (first.id, 2)
    with pytest.raises(LeaseLostError):
        queue.extend(first, 60)
    queue.delete(second)
    assert queue.tasks() == 0


def test_clocks_and_waits_go_as_quick_as_they_are_told() -> None:
    program = (
        "from bench.scale import slow_clock; slow_clock.take_over(); slow_clock.turn(20)\n"
        "import threading, time\n"
        "begun, world = time.monotonic(), slow_clock.world_seconds()\n"
        "time.sleep(10); threading.Event().wait(10)\n"
        "print(time.monotonic() - begun, slow_clock.world_seconds() - world)"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    here, world = map(float, told.split())
    assert here >= 20
    assert world < 5  # one second, or the wait was as long as the world's
    assert here / world == pytest.approx(20, rel=0.01)
