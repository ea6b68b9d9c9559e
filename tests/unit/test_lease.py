"""The lease keeper against a queue that answers as it is told."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from worker_agent.lease import LeaseKeeper
from worker_agent.outcome import TaskOverError
from worker_agent.task_queue import LeaseLostError, Message, TaskQueue

MESSAGE = Message("id", "receipt", "body")


class Sqs:
    """Counts renewals; answers with an error code when told to."""

    def __init__(self) -> None:
        self.renewals: list[dict[str, Any]] = []
        self.error = ""
        self.renewed = threading.Semaphore(0)

    def change_message_visibility(self, **call: Any) -> None:
        self.renewals.append(call)
        self.renewed.release()
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": ""}}, "ChangeMessageVisibility")


@pytest.fixture
def sqs() -> Sqs:
    return Sqs()


@pytest.fixture
def queue(sqs: Sqs) -> TaskQueue:
    return TaskQueue(sqs, "url")  # type: ignore[arg-type]  # a stand-in that misbehaves


@pytest.fixture
def keeper() -> Iterator[LeaseKeeper]:
    keeper = LeaseKeeper(1)
    keeper.start()
    yield keeper
    keeper.stop()


def test_a_held_message_is_renewed_until_it_is_let_go(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs
) -> None:
    with keeper.hold(queue, MESSAGE, on_lost=lambda: None) as lease:
        assert all(sqs.renewed.acquire(timeout=5) for _ in range(3))
        assert not lease.lost
    assert sqs.renewals[0] == {"QueueUrl": "url", "ReceiptHandle": "receipt", "VisibilityTimeout": 1}
    time.sleep(0.3)
    count = len(sqs.renewals)
    time.sleep(0.6)
    assert len(sqs.renewals) == count


def test_a_message_that_somebody_else_holds_is_lost(keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs) -> None:
    sqs.error = "ReceiptHandleIsInvalid"
    lost = threading.Event()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set) as lease:
        assert lost.wait(5)
        assert lease.lost


def test_a_service_that_fails_for_a_moment_loses_nothing(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs
) -> None:
    sqs.error = "InternalError"
    lost = threading.Event()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set) as lease:
        assert sqs.renewed.acquire(timeout=5)
        assert not lease.lost
        sqs.error = ""
        assert sqs.renewed.acquire(timeout=5)
        assert not lost.wait(1.2)


def test_a_service_that_fails_for_a_whole_lease_loses_it(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs
) -> None:
    sqs.error = "InternalError"
    lost = threading.Event()
    begun_at = time.monotonic()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set):
        assert lost.wait(5)
    assert time.monotonic() - begun_at >= 1


def test_a_baker_that_was_superseded_loses_its_lease(keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs) -> None:
    def superseded() -> None:
        raise LeaseLostError("another baker")

    lost = threading.Event()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set) as lease:
        lease.also_renew(superseded)
        assert lost.wait(5)


def test_a_task_that_is_settled_is_not_renewed_and_not_lost(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs
) -> None:
    lost = threading.Event()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set) as lease:
        lease.settle()
        sqs.error = "ReceiptHandleIsInvalid"  # as its message is deleted
        assert not lost.wait(0.8)
    assert sqs.renewals == []


def test_work_that_is_wanted_no_more_is_held_and_stopped_each_time(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs
) -> None:
    """A Blender that was only starting at the first time is stopped at the next."""
    stopped = threading.Semaphore(0)

    def end() -> None:
        raise TaskOverError("job a is CANCELED")

    with keeper.hold(queue, MESSAGE, on_lost=lambda: stopped.release()) as lease:
        lease.also_renew(end)
        assert all(stopped.acquire(timeout=5) for _ in range(2))
        assert (lease.over, lease.lost) == (True, False)
        lease.settle()
    assert len(sqs.renewals) >= 2, "so that its message can be deleted"
