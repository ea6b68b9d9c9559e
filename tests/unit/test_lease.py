"""The lease keeper against a queue that answers, fails and hangs as it is told."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from worker_agent.tasks import lease as lease_module
from worker_agent.tasks.lease import Lease, LeaseKeeper
from worker_agent.tasks.outcome import TaskOverError
from worker_agent.tasks.task_queue import LeaseLostError, Message, TaskQueue

MESSAGE = Message("id", "receipt", "body")


class Sqs:
    """Counts renewals; answers with an error code, or not at all, when told to."""

    def __init__(self) -> None:
        self.renewals: list[dict[str, Any]] = []
        self.error = ""
        self.renewed = threading.Semaphore(0)
        self.hanging: set[str] = set()
        """Receipts whose renewals hang."""
        self.answering = threading.Event()

    def change_message_visibility(self, **call: Any) -> None:
        self.renewals.append(call)
        self.renewed.release()
        if call["ReceiptHandle"] in self.hanging:
            self.answering.wait(30)
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": ""}}, "ChangeMessageVisibility")


class Clock:
    """The seconds since the machine was started, as told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def sqs() -> Iterator[Sqs]:
    sqs = Sqs()
    yield sqs
    sqs.answering.set()


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


def test_leases_are_renewed_through_the_client_that_does_not_hang(sqs: Sqs) -> None:
    queue = TaskQueue(object(), "url", quick_sqs=sqs)  # type: ignore[arg-type]  # the other is not called
    Lease(queue, MESSAGE, 120, lambda: None).renew()
    queue.give_back(MESSAGE, 0)
    assert [call["VisibilityTimeout"] for call in sqs.renewals] == [120, 0]


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


def test_a_renewal_that_failed_is_tried_again_soon(queue: TaskQueue, sqs: Sqs) -> None:
    sqs.error = "InternalError"
    with LeaseKeeper(4).hold(queue, MESSAGE, on_lost=lambda: None):
        time.sleep(2)  # the first after 1 s at most, then each quarter of a second
    assert len(sqs.renewals) >= 4


def test_a_service_that_fails_for_a_whole_lease_loses_it(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs
) -> None:
    sqs.error = "InternalError"
    lost = threading.Event()
    begun_at = time.monotonic()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set):
        assert lost.wait(5)
    assert time.monotonic() - begun_at >= 1


def test_a_renewal_that_hangs_holds_up_no_other(keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs) -> None:
    sqs.hanging.add("hangs")
    lost, never = threading.Event(), threading.Event()
    hung = Message("hung", "hangs", "body")
    with (
        keeper.hold(queue, hung, on_lost=lost.set) as lease,
        keeper.hold(queue, MESSAGE, on_lost=never.set) as other,
    ):
        assert lost.wait(5), "its renewal still hangs, and it is told nevertheless"
        time.sleep(1.5)
        assert lease.lost
        assert not other.lost
        assert not never.is_set()
    assert [call["ReceiptHandle"] for call in sqs.renewals].count("hangs") == 1


def test_letting_go_of_a_lease_waits_for_no_call_that_hangs(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "SETTLE_SECONDS", 0.2)
    sqs.hanging.add("receipt")
    with keeper.hold(queue, MESSAGE, on_lost=lambda: None) as lease:
        assert sqs.renewed.acquire(timeout=5)
        begun_at = time.monotonic()
        lease.settle()
    assert time.monotonic() - begun_at < 1


def test_a_lease_is_lost_when_its_time_is_over_though_nobody_said_so(queue: TaskQueue) -> None:
    clock = Clock()
    lease = Lease(queue, MESSAGE, 120, lambda: None, clock)
    clock.seconds += 119.9
    assert not lease.lost
    assert lease.renew()
    clock.seconds += 119.9
    assert not lease.lost, "renewed"
    clock.seconds += 0.1
    assert lease.lost


def test_a_lease_counts_from_the_beginning_of_its_last_renewal(
    queue: TaskQueue, sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    lease = Lease(queue, MESSAGE, 120, lambda: None, clock)

    def slow(_: Message, __: int) -> None:
        clock.seconds += 100

    monkeypatch.setattr(queue, "extend", slow)
    lease.renew()
    assert not lease.lost
    clock.seconds += 20
    assert lease.lost


def test_a_lost_lease_stays_lost_when_a_late_renewal_succeeds(
    queue: TaskQueue, sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    lease = Lease(queue, MESSAGE, 120, lambda: None, clock)
    seen = []

    def late(_: Message, __: int) -> None:
        clock.seconds += 60
        seen.append(lease.lost)

    clock.seconds += 90
    monkeypatch.setattr(queue, "extend", late)
    lease.renew()
    assert (seen, lease.lost) == ([True], True), "somebody may have seen that it was lost"
    lease.renew()
    assert seen == [True], "what is lost is not renewed"


def test_time_asleep_counts(queue: TaskQueue) -> None:
    """A machine that was suspended wakes up to find its tasks with others."""
    clock = Clock()
    keeper = LeaseKeeper(120, clock)
    keeper.start()
    lost = threading.Event()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set) as lease:
        assert not lost.wait(0.2)
        clock.seconds += 3600
        assert lease.lost
        assert lost.wait(5)
    keeper.stop()


def test_the_clock_of_leases_counts_suspension_where_the_system_can() -> None:
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is None:
        pytest.skip("this system has no CLOCK_BOOTTIME")
    lease = Lease(TaskQueue(object(), "url"), MESSAGE, 60, lambda: None)  # type: ignore[arg-type]
    assert abs(lease._renewed_at - time.clock_gettime(clock)) < 5


def test_a_baker_that_was_superseded_loses_its_lease(keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs) -> None:
    def superseded() -> None:
        raise LeaseLostError("another baker")

    lost = threading.Event()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set) as lease:
        lease.also_renew(superseded)
        assert lost.wait(5)


def test_what_is_renewed_as_well_must_succeed_too(queue: TaskQueue, sqs: Sqs) -> None:
    def fails() -> None:
        raise TimeoutError("the table does not answer")

    clock = Clock()
    lease = Lease(queue, MESSAGE, 120, lambda: None, clock)
    lease.also_renew(fails)
    clock.seconds += 30
    assert not lease.renew()
    clock.seconds += 90
    assert lease.lost, "another baker may have taken over"


@pytest.mark.parametrize("error", [RuntimeError("a bug"), MemoryError()])
def test_a_callback_that_fails_ends_no_lease_keeping(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs, error: Exception
) -> None:
    def fail() -> None:
        raise error

    sqs.error = "InternalError"
    told = threading.Event()

    def tell(also: Callable[[], None]) -> Callable[[], None]:
        def on_lost() -> None:
            told.set()
            also()

        return on_lost

    with keeper.hold(queue, MESSAGE, on_lost=tell(fail)):
        assert told.wait(5)
    sqs.error = ""
    told.clear()
    with keeper.hold(queue, MESSAGE, on_lost=tell(lambda: None)) as lease:
        assert sqs.renewed.acquire(timeout=5)
        assert not lease.lost
        sqs.error = "InternalError"
        assert told.wait(5)


def test_a_loss_is_told_once(keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs) -> None:
    sqs.error = "ReceiptHandleIsInvalid"
    told = threading.Semaphore(0)
    with keeper.hold(queue, MESSAGE, on_lost=told.release):
        assert told.acquire(timeout=5)
        assert not told.acquire(timeout=1.3)


def test_a_task_that_is_settled_is_not_renewed_and_not_lost(
    keeper: LeaseKeeper, queue: TaskQueue, sqs: Sqs
) -> None:
    lost = threading.Event()
    with keeper.hold(queue, MESSAGE, on_lost=lost.set) as lease:
        lease.settle()
        sqs.error = "ReceiptHandleIsInvalid"  # as its message is deleted
        assert not lost.wait(1.3), "not even when its time is over"
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
