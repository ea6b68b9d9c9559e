"""Which queue a worker hears of, how soon, at what price; and that nothing is held by nobody."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract.tasks import BakeTask, FinishTask, RenderTask, Task, decode, encode
from worker_agent.tasks import task_source
from worker_agent.tasks.claim import CLAIM_SECONDS
from worker_agent.tasks.task_queue import LeaseLostError, Message, TaskQueue
from worker_agent.tasks.task_source import Received, TaskSource
from worker_agent.watchdog import beating_with

FINISH, BAKE, RENDER = FinishTask("a"), BakeTask("a"), RenderTask("a", "1")
SOON_SECONDS = 0.1


@dataclass
class Worker:
    sqs: Any
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Of every ReceiveMessage: the queue, and how long it waited."""
    leaving: bool = False
    now: float | None = None
    """Seconds, when a test wants a time of its own."""

    def __post_init__(self) -> None:
        names = ("urgent", "bake", "render")
        self.urls = {name: self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in names}
        self.urgent, self.bake, self.render = self.queues = [
            TaskQueue(self.sqs, url) for url in self.urls.values()
        ]
        self.sqs.meta.events.register("before-parameter-build.sqs.ReceiveMessage", self._hear)
        self.source = TaskSource(
            self.queues,
            lease_seconds=120,
            leaving=lambda: self.leaving,
            clock=lambda: time.monotonic() if self.now is None else self.now,
        )

    def _hear(self, params: dict[str, Any], **_: Any) -> None:
        name = next(name for name, url in self.urls.items() if url == params["QueueUrl"])
        self.asked.append((name, params["WaitTimeSeconds"]))

    def counts(self, name: str) -> tuple[int, int]:
        """Visible and held messages, once no question is open."""
        self.source.settle(30)
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.urls[name], AttributeNames=names)
        return int(answer["Attributes"][names[0]]), int(answer["Attributes"][names[1]])


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        worker = Worker(boto3.client("sqs"))
        yield worker
        worker.source.settle(30)


def after(seconds: float, act: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


def tasks(claim: Received | None) -> list[Task]:
    return [decode(message.body) for message in claim[1]] if claim else []


def test_what_is_there_comes_in_the_order_of_the_queues(worker: Worker) -> None:
    worker.render.send([RENDER])
    worker.bake.send([BAKE])
    worker.urgent.send([FINISH])
    claims = [worker.source.take(most=1, wait_seconds=wait) for wait in (0, 1, 0)]
    assert [tasks(claim) for claim in claims] == [[FINISH], [BAKE], [RENDER]]
    assert [claim[0] for claim in claims if claim] == worker.queues


@pytest.mark.parametrize(("name", "task"), [("urgent", FINISH), ("bake", BAKE), ("render", RENDER)])
def test_an_idle_worker_hears_of_every_queue_at_once(worker: Worker, name: str, task: Task) -> None:
    after(SOON_SECONDS, lambda: getattr(worker, name).send([task]))
    began = time.monotonic()
    assert tasks(worker.source.take(most=1, wait_seconds=1)) == [task]
    assert time.monotonic() - began < 0.6
    assert worker.counts(name) == (0, 1)


def test_idleness_costs_one_long_question_a_queue(worker: Worker) -> None:
    began = time.monotonic()
    for _ in range(2):
        assert worker.source.take(most=1, wait_seconds=1) is None
    assert time.monotonic() - began < 2.9
    looks = [("urgent", 0), ("bake", 0), ("render", 0)]
    assert worker.asked[:3] == looks, "once, when nothing is known"
    assert Counter(worker.asked[3:]) == {(name, 1): 2 for name, _ in looks}


def test_a_busy_worker_passes_over_what_was_empty_just_now(worker: Worker) -> None:
    worker.now = 0.0
    worker.render.send(RenderTask("a", str(frame)) for frame in range(1, 5))
    for _ in range(3):
        assert worker.source.take(most=1, wait_seconds=0)
        worker.now += 0.6  # as frames of that length do
    assert [name for name, _ in worker.asked] == ["urgent", "bake", "render", "render", "render"]
    worker.now = 2.1
    worker.bake.send([BAKE])
    assert tasks(worker.source.take(most=1, wait_seconds=0)) == [BAKE]
    assert [name for name, _ in worker.asked[5:]] == ["urgent", "bake"]


def test_a_worker_of_quick_frames_looks_for_urgent_ones_before_each_claim(worker: Worker) -> None:
    worker.now = 0.0
    worker.render.send(RenderTask("a", str(frame)) for frame in range(1, 5))
    for _ in range(3):
        assert worker.source.take(most=1, wait_seconds=0)
        worker.now += 0.9 * CLAIM_SECONDS  # ten frames, claimed a little early
    assert [name for name, _ in worker.asked] == ["urgent", "bake", "render"] * 3


def test_a_busy_worker_passes_over_what_is_still_listened_to(worker: Worker) -> None:
    worker.now = 0.0
    after(SOON_SECONDS, lambda: worker.bake.send([BAKE]))
    assert tasks(worker.source.take(most=1, wait_seconds=1)) == [BAKE]
    worker.now = 10.0
    worker.asked.clear()
    assert worker.source.take(most=1, wait_seconds=0) is None
    assert worker.asked == [("bake", 0), ("render", 0)]


def test_the_last_queue_is_never_passed_over_by_one_who_does_not_wait(worker: Worker) -> None:
    assert worker.source.take(most=1, wait_seconds=0) is None
    worker.render.send([RENDER])
    assert tasks(worker.source.take(most=1, wait_seconds=0)) == [RENDER]


def test_several_come_when_several_are_wanted(worker: Worker) -> None:
    worker.render.send(RenderTask("a", str(frame)) for frame in range(1, 5))
    assert len(tasks(worker.source.take(most=3, wait_seconds=0))) == 3
    assert worker.counts("render") == (1, 3)


def test_what_comes_when_nobody_waits_any_more_is_there_for_others_at_once(worker: Worker) -> None:
    after(SOON_SECONDS, lambda: worker.bake.send([BAKE]))
    assert tasks(worker.source.take(most=1, wait_seconds=1)) == [BAKE]
    worker.render.send([RENDER])
    assert worker.counts("render") == (1, 0)
    assert tasks(worker.source.take(most=1, wait_seconds=0)) == [RENDER]


def test_more_than_is_wanted_now_is_given_back(worker: Worker) -> None:
    """An older question asked for more."""
    after(SOON_SECONDS, lambda: worker.bake.send([BAKE]))
    assert tasks(worker.source.take(most=3, wait_seconds=1)) == [BAKE]
    frames = [{"Id": n, "MessageBody": encode(RenderTask("a", n))} for n in "123"]
    send: Any = worker.sqs.send_message_batch
    after(SOON_SECONDS, lambda: send(QueueUrl=worker.urls["render"], Entries=frames))
    assert len(tasks(worker.source.take(most=1, wait_seconds=1))) == 1
    assert worker.counts("render") == (2, 1)


def test_a_worker_that_leaves_takes_nothing_and_holds_nothing(worker: Worker) -> None:
    sent = threading.Event()

    def leave() -> None:
        worker.leaving = True
        worker.render.send([RENDER])
        sent.set()

    after(SOON_SECONDS, leave)
    assert worker.source.take(most=1, wait_seconds=1) is None
    assert sent.wait(20)
    assert worker.counts("render") == (1, 0)
    assert worker.source.take(most=1, wait_seconds=1) is None
    assert len(worker.asked) == 6, "each queue was looked at and listened to once"


def test_what_a_quick_look_brings_to_one_that_leaves_is_given_back(worker: Worker) -> None:
    def leave(**_: Any) -> None:
        worker.leaving = True

    worker.urgent.send([FINISH])
    worker.sqs.meta.events.register("after-call.sqs.ReceiveMessage", leave)
    assert worker.source.take(most=1, wait_seconds=0) is None
    assert worker.counts("urgent") == (1, 0)


def test_no_queue_is_unheard_while_an_older_question_to_another_is_open(worker: Worker) -> None:
    """Nor is that left open when nothing came: whoever was told None knows that this worker holds nothing."""
    after(SOON_SECONDS, lambda: worker.bake.send([BAKE]))
    assert tasks(worker.source.take(most=1, wait_seconds=3)) == [BAKE]
    after(1.6, lambda: worker.bake.send([BAKE]))
    began = time.monotonic()
    assert tasks(worker.source.take(most=1, wait_seconds=1)) == [BAKE], "the other questions are still open"
    assert time.monotonic() - began < 2.4
    assert worker.source.take(most=1, wait_seconds=1) is None
    worker.render.send([RENDER])
    assert (worker.counts("render"), worker.counts("bake")) == ((1, 0), (0, 2))


def test_an_answer_that_comes_late_is_waited_for(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_source, "BEAT_SECONDS", 0.1)

    def dawdle(**_: Any) -> None:
        time.sleep(0.3)

    worker.sqs.meta.events.register("after-call.sqs.ReceiveMessage", dawdle)
    after(0.9 + 3 * 0.3, lambda: worker.render.send([RENDER]))
    assert tasks(worker.source.take(most=1, wait_seconds=1)) == [RENDER]


def test_the_thread_that_waits_beats(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_source, "BEAT_SECONDS", 0.1)
    beats: list[float] = []
    with beating_with(lambda: beats.append(time.monotonic())):
        worker.source.take(most=1, wait_seconds=1)
    waits = [later - one for one, later in pairwise(beats)]
    assert max(waits) < 0.5 and len(beats) > 8


def test_an_error_of_any_question_reaches_the_one_who_waits(worker: Worker) -> None:
    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params["WaitTimeSeconds"] and params["QueueUrl"] == worker.urls["bake"]:
            raise ConnectionError("SQS is away")

    worker.sqs.meta.events.register("before-parameter-build.sqs.ReceiveMessage", refuse)
    for _ in range(2):
        with pytest.raises(ConnectionError, match="SQS is away"):
            worker.source.take(most=1, wait_seconds=1)
    worker.sqs.meta.events.unregister("before-parameter-build.sqs.ReceiveMessage", refuse)
    worker.render.send([RENDER])
    assert worker.counts("render") == (1, 0), "its question was open, and nobody waited for it"
    assert tasks(worker.source.take(most=1, wait_seconds=0)) == [RENDER]
    after(SOON_SECONDS, lambda: worker.bake.send([BAKE]))
    assert tasks(worker.source.take(most=1, wait_seconds=1)) == [BAKE], "its thread goes on"


@pytest.mark.parametrize("error", [LeaseLostError("it was lost"), ConnectionError("SQS is away")])
def test_what_cannot_be_given_back_stops_nobody(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    after(SOON_SECONDS, lambda: worker.bake.send([BAKE]))
    assert tasks(worker.source.take(most=1, wait_seconds=1)) == [BAKE]
    with monkeypatch.context() as broken, caplog.at_level(logging.INFO):
        broken.setattr(TaskQueue, "extend_all", refuse)
        worker.render.send([RENDER])
        assert worker.counts("render") == (0, 1), "held until its lease is over"
    assert str(error) in caplog.text
    after(SOON_SECONDS, lambda: worker.render.send([RENDER]))
    assert tasks(worker.source.take(most=1, wait_seconds=1)) == [RENDER]


def test_nothing_is_lost_or_held_by_nobody_when_everything_comes_at_once(worker: Worker) -> None:
    """Two workers, three queues, tasks in bursts while they wait and while they do not."""
    workers = [worker, Worker(worker.sqs)]
    done: list[str] = []
    expected = [f"{name}-{number}" for number in range(20) for name in worker.urls]

    def send() -> None:
        for number, body in enumerate(expected):
            worker.sqs.send_message(QueueUrl=worker.urls[body.split("-")[0]], MessageBody=body)
            time.sleep(0.1 if number % 10 == 0 else 0)

    def work(worker: Worker) -> None:
        while len(done) < len(expected):
            if claim := worker.source.take(most=2, wait_seconds=1):
                for message in claim[1]:
                    claim[0].delete(message)
                    done.append(message.body)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in (*threads, threading.Thread(target=send)):
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(done) == sorted(expected)
    assert [worker.counts(name) for worker in workers for name in worker.urls] == [(0, 0)] * 6


def test_a_message_is_held_as_long_as_the_agent_says(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    leases: list[int] = []
    receive = TaskQueue.receive_many

    def hear(queue: TaskQueue, *, most: int, wait_seconds: int, lease_seconds: int) -> list[Message]:
        leases.append(lease_seconds)
        return receive(queue, most=most, wait_seconds=wait_seconds, lease_seconds=lease_seconds)

    monkeypatch.setattr(TaskQueue, "receive_many", hear)
    worker.source.take(most=1, wait_seconds=1)
    assert leases == [120] * 6


def test_who_waits_for_an_answer_that_is_overdue_says_nothing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_source, "BEAT_SECONDS", 0.05)
    for poll in worker.source._polls:
        poll.empty_at = time.monotonic()  # no quick look
    worker.sqs.meta.events.register("after-call.sqs.ReceiveMessage", lambda **_: time.sleep(1.5))
    beats: list[float] = []
    with beating_with(lambda: beats.append(time.monotonic())):
        worker.source.take(most=1, wait_seconds=1)
        ended = time.monotonic()
    assert ended - beats[-1] > 1
