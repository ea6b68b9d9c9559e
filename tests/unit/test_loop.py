"""The agent's loop against real SQS shapes (moto) and handlers that do as they are told."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract.tasks import BakeTask, FinishTask, RenderTask, Task, encode
from worker_agent import loop as loop_module
from worker_agent.interruptions.departure import Departure, Interruption, Notice
from worker_agent.interruptions.farewell import Farewell, TerminationHook
from worker_agent.interruptions.tasks_in_hand import TasksInHand
from worker_agent.loop import WorkLoop
from worker_agent.scale_in.group import OwnGroup
from worker_agent.scale_in.idle_worker import IdleWorker
from worker_agent.scale_in.protection import ScaleInProtection
from worker_agent.seats.frame_clock import FrameClock
from worker_agent.task_runner import TaskRunner
from worker_agent.tasks.claim import frames_at_once
from worker_agent.tasks.hands import Hands
from worker_agent.tasks.lease import BlenderUse, Lease, LeaseKeeper
from worker_agent.tasks.outcome import GiveBack, InterruptedTaskError, MachineTroubleError, Outcome, Settled
from worker_agent.tasks.task_queue import Message, TaskQueue
from worker_agent.tasks.task_source import TaskSource
from worker_agent.telemetry.metric_sinks import MetricCalls
from worker_agent.telemetry.metrics import FrameMetrics

STOP = Notice(kind=Interruption.STOP, seconds=60)


@dataclass
class Farm:
    sqs: Any
    urls: dict[str, str]
    departure: Departure
    results: list[Outcome | Exception] = field(default_factory=list)
    done: list[Task] = field(default_factory=list)
    lose_lease: bool = False
    job_has_ended: bool = False
    leases: list[Lease] = field(default_factory=list)
    interrupted: list[Task] = field(default_factory=list)
    """Tasks of which that was recorded."""
    autoscaling: Any = None
    hands: Hands = field(default_factory=Hands)
    handler: Callable[[Task, Lease], Outcome] | None = None

    def __post_init__(self) -> None:
        self.frame_clock = FrameClock(changed=self.hands.stir)

    def send(self, queue: str, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.urls[queue], MessageBody=body)

    def counts(self, queue: str) -> tuple[int, int]:
        """Visible and held messages."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        values = self.sqs.get_queue_attributes(QueueUrl=self.urls[queue], AttributeNames=names)["Attributes"]
        return int(values[names[0]]), int(values[names[1]])

    def handle(self, task: Task, lease: Lease) -> Outcome:
        """Answers with the results in their order, and stops the loop with the last one."""
        self.done.append(task)
        self.leases.append(lease)
        if self.lose_lease:
            lease._lost.set()
        if self.job_has_ended:
            lease._over.set()
        result = self.results.pop(0) if self.results else Settled("done")
        if not self.results:
            self.departure.announce(STOP)
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def farm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(loop_module, "BACK_OFF_SECONDS", (0.01, 0.02))
    with mock_aws():
        sqs = boto3.client("sqs")
        names = ("urgent", "bake", "render", "dead")
        yield Farm(sqs, {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in names}, Departure())


def run(
    farm: Farm,
    require_fit_machine: Callable[[], None] = lambda: None,
    works: Callable[[], None] = lambda: None,
) -> None:
    queues = {name: TaskQueue(farm.sqs, url) for name, url in farm.urls.items()}
    group = OwnGroup(boto3.client("autoscaling"), name="g", worker_id="i")
    idle = IdleWorker(
        group=group, queues=(), protection=ScaleInProtection(group), idle_seconds=3600, look_seconds=1
    )
    in_hand = TasksInHand(farm.interrupted.append)
    runner = TaskRunner(
        dead_letters=queues["dead"],
        handlers=dict.fromkeys((BakeTask, RenderTask, FinishTask), farm.handler or farm.handle),
        leases=LeaseKeeper(120),
        departure=farm.departure,
        in_hand=in_hand,
        idle=idle,
        on_lease_lost=lambda _: None,
        frames_at_once=lambda job_id: frames_at_once(
            max(farm.frame_clock.recent_seconds(job_id), default=None)
        ),
    )
    WorkLoop(
        source=TaskSource(
            (queues["urgent"], queues["bake"], queues["render"]),
            lease_seconds=120,
            leaving=lambda: farm.departure.leaving,
        ),
        runner=runner,
        hands=farm.hands,
        in_hand=in_hand,
        frame_clock=farm.frame_clock,
        metrics=FrameMetrics(MetricCalls(boto3.client("cloudwatch"), namespace="n", fleet="f")),
        departure=farm.departure,
        farewell=Farewell(farm.departure, TerminationHook(farm.autoscaling, group="g", instance_id="i")),
        idle=idle,
        poll_seconds=1,
        require_fit_machine=require_fit_machine,
        works=works,
    ).run()


def test_urgent_work_comes_first_then_bakes_then_frames(farm: Farm) -> None:
    farm.send("render", encode(RenderTask("a", "1")))
    farm.send("bake", encode(BakeTask("a")))
    farm.send("urgent", encode(FinishTask("a")))
    farm.results = [Settled("")] * 3
    run(farm)
    assert farm.done == [FinishTask("a"), BakeTask("a"), RenderTask("a", "1")]
    assert [farm.counts(queue) for queue in farm.urls] == [(0, 0)] * 4


def test_an_agent_works_before_its_first_task_is_done(farm: Farm) -> None:
    """A bake of hours must not keep systemd waiting for an agent that is ready (TimeoutStartSec)."""
    done_before: list[int] = []
    farm.send("bake", encode(BakeTask("a")))
    run(farm, works=lambda: done_before.append(len(farm.done)))
    assert done_before[0] == 0
    assert done_before[-1] == 1


def test_work_that_is_settled_is_deleted(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")))
    run(farm)
    assert farm.counts("bake") == (0, 0)


@pytest.mark.parametrize("result", [GiveBack("", 0), InterruptedTaskError("spot")])
def test_work_that_is_given_back_is_there_for_the_next_worker_at_once(
    farm: Farm, result: Outcome | Exception
) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.results = [result]
    run(farm)
    assert farm.counts("bake") == (1, 0)


def test_work_to_be_tried_later_waits(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.results = [GiveBack("", 60)]
    run(farm)
    assert farm.counts("bake") == (0, 1)


def test_an_error_nobody_foresaw_gives_the_work_back_and_the_agent_goes_on(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.send("render", encode(RenderTask("a", "1")))
    farm.results = [ConnectionError("S3 is away"), Settled(""), Settled("")]
    run(farm)
    assert farm.done == [BakeTask("a"), BakeTask("a"), RenderTask("a", "1")]
    assert farm.counts("bake") == (0, 0)


def test_a_message_that_is_no_task_goes_to_the_dead_letters_at_once(farm: Farm) -> None:
    farm.send("bake", "{", encode(BakeTask("a")))
    run(farm)
    assert farm.done == [BakeTask("a")]
    assert (farm.counts("bake"), farm.counts("dead")) == ((0, 0), (1, 0))


@pytest.mark.parametrize("result", [Settled(""), GiveBack("", 0), InterruptedTaskError("")])
def test_work_whose_lease_was_lost_is_not_touched(farm: Farm, result: Outcome | Exception) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.lose_lease = True
    farm.results = [result]
    run(farm)
    assert farm.done == [BakeTask("a")]
    assert farm.counts("bake") == (0, 1), "as somebody else may hold it now"


@pytest.mark.parametrize("result", [Settled(""), InterruptedTaskError("Blender was stopped")])
def test_work_of_a_job_that_has_ended_is_deleted(farm: Farm, result: Outcome | Exception) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.job_has_ended = True
    farm.results = [result]
    run(farm)
    assert farm.counts("bake") == (0, 0), "nobody is to have it again"


def test_a_worker_that_was_told_to_stop_takes_nothing(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.departure.announce(STOP)
    run(farm)
    assert farm.done == []
    assert farm.counts("bake") == (1, 0)


def test_a_renewal_that_meets_the_deletion_is_no_loss(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would kill the Blender that renders the next frame already."""
    delete = TaskQueue.delete

    def delete_and_renew(queue: TaskQueue, message: Message) -> None:
        delete(queue, message)
        farm.leases[-1].renew()

    monkeypatch.setattr(TaskQueue, "delete", delete_and_renew)
    farm.send("bake", encode(BakeTask("a")))
    run(farm)
    assert farm.counts("bake") == (0, 0)
    assert not farm.leases[-1].lost


def test_what_a_long_poll_brings_too_late_is_given_back_at_once(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = TaskQueue.receive_many

    def receive_and_hear(queue: TaskQueue, **arguments: int) -> list[Message]:
        messages = receive(queue, **arguments)
        if messages:
            farm.departure.announce(STOP)
        return messages

    monkeypatch.setattr(TaskQueue, "receive_many", receive_and_hear)
    farm.send("render", encode(RenderTask("a", "1")))
    run(farm)
    assert farm.counts("render") == (1, 0)
    assert (farm.done, farm.interrupted) == ([], []), "nothing of it was begun"


def test_an_interruption_is_recorded_once_the_task_is_back(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.results = [InterruptedTaskError("killed")]
    run(farm)
    assert farm.counts("bake") == (1, 0)
    assert farm.interrupted == [BakeTask("a")]


def test_a_task_that_ends_for_another_reason_was_not_interrupted(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.results = [InterruptedTaskError("another baker has taken over"), Settled("")]
    run(farm)
    assert farm.done == [BakeTask("a"), BakeTask("a")]
    assert farm.interrupted == []


def test_work_that_is_done_in_time_is_settled(farm: Farm) -> None:
    farm.send("render", encode(RenderTask("a", "1")))
    run(farm)
    assert (farm.counts("render"), farm.interrupted) == ((0, 0), [])


class PassingTime(Departure):
    """Waits take no time, and are kept; the agent is stopped when a time has passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.left_seconds = seconds
        self.waits: list[float] = []

    def wait(self, seconds: float, seen: int) -> None:
        self.waits.append(seconds)
        self.left_seconds -= seconds
        if self.left_seconds <= 0:
            self.announce(STOP)


@pytest.fixture
def half_a_day(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    monkeypatch.setattr(loop_module, "BACK_OFF_SECONDS", (1, 60))
    farm.departure = half_a_day = PassingTime(12 * 3600.0)
    return half_a_day


def test_half_a_day_without_its_queues_is_waited_out_and_never_spun_through(
    farm: Farm, half_a_day: PassingTime
) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError("SQS is away")

    farm.sqs.meta.events.register("before-call.sqs.ReceiveMessage", refuse)
    run(farm)
    assert len(half_a_day.waits) < 12 * 60 * 3, "some two tries a minute"
    assert len(half_a_day.waits) > 1100, "more failures than a power of two in a float has room for"
    assert max(half_a_day.waits[:3]) <= 8 and max(half_a_day.waits) <= 60
    assert len({round(wait, 3) for wait in half_a_day.waits}) > len(half_a_day.waits) / 2, "with jitter"


def test_a_machine_in_trouble_takes_nothing_waits_and_says_so_once(
    farm: Farm, half_a_day: PassingTime, caplog: pytest.LogCaptureFixture
) -> None:
    def require() -> None:
        if half_a_day.left_seconds > 6 * 3600:
            raise MachineTroubleError("the disk of a worker is full")

    farm.send("bake", encode(BakeTask("a")))
    with caplog.at_level(logging.WARNING):
        run(farm, require)
    assert farm.done == [BakeTask("a")], "when the trouble was over"
    said = [record.getMessage() for record in caplog.records if record.name == "worker_agent.loop"]
    assert said == ["taking no work: the disk of a worker is full"]
    assert 6 * 60 < len(half_a_day.waits) < 6 * 60 * 3


def test_work_that_meets_a_machine_in_trouble_waits_for_another_worker(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.results = [MachineTroubleError("the disk of a worker is full")]
    run(farm)
    assert farm.counts("bake") == (0, 1)


def test_an_agent_without_memory_goes_on(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")))
    farm.results = [MemoryError(), Settled("")]
    run(farm)
    assert farm.done == [BakeTask("a")] * 2
    assert farm.counts("bake") == (0, 0)


def quick_frames(farm: Farm, *frames: str) -> None:
    farm.send("render", *(encode(RenderTask("a", frame)) for frame in frames))
    farm.frame_clock.has_rendered("a", 0.1)


def test_quick_frames_are_done_together(farm: Farm) -> None:
    quick_frames(farm, "1", "2", "3")
    run(farm)
    assert farm.done == [RenderTask("a", "1-3")]
    assert farm.counts("render") == (0, 0)


def test_of_frames_done_together_only_those_that_failed_go_back(farm: Farm) -> None:
    quick_frames(farm, "1", "2", "3")
    farm.results = [GiveBack("", 0, frames=(2,))]
    run(farm)
    assert farm.counts("render") == (1, 0)


def test_the_frames_of_a_job_that_nobody_has_timed_come_one_at_a_time(farm: Farm) -> None:
    """Another job's were quick, and these may take hours: what came with the first is for other workers."""
    farm.frame_clock.has_rendered("b", 0.1)
    farm.send("render", encode(RenderTask("a", "1")), encode(RenderTask("a", "2")))
    run(farm)
    assert len(farm.done) == 1
    assert farm.counts("render") == (1, 0)


def test_nothing_is_claimed_beside_a_task_that_may_still_want_blender(farm: Farm) -> None:
    farm.send("bake", encode(BakeTask("a")), encode(BakeTask("b")))
    held: list[tuple[int, int]] = []

    def look(task: Task, lease: Lease) -> Outcome:
        time.sleep(0.3)
        held.append(farm.counts("bake"))
        return Farm.handle(farm, task, lease)

    farm.results = [Settled("")] * 2
    farm.handler = look
    run(farm)
    assert held == [(1, 1), (0, 1)]


@pytest.mark.parametrize(("left_seconds", "beside"), [(1.0, True), (30.0, False), (None, False)])
def test_the_next_task_is_claimed_as_the_frame_nears_its_end(
    farm: Farm, left_seconds: float | None, beside: bool
) -> None:
    farm.send("render", encode(RenderTask("a", "1")), encode(RenderTask("b", "1")))
    seen: list[int] = []

    def render(task: Task, lease: Lease) -> Outcome:
        lease.blender_use = BlenderUse.AT
        if not seen:
            if left_seconds is not None:
                farm.frame_clock.has_rendered(task.job_id, left_seconds)
                farm.frame_clock.turn_to(1)
            farm.frame_clock.begin(left_seconds)
            time.sleep(0.5)
            seen.append(farm.counts("render")[1])
            farm.frame_clock.end()
        lease.blender_use = BlenderUse.AFTER
        return Farm.handle(farm, task, lease)

    farm.results = [Settled("")] * 2
    farm.handler = render
    run(farm)
    assert seen[0] == (2 if beside else 1)


def test_what_came_beside_and_cannot_be_given_back_keeps_nothing_from_being_done(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("SQS is away")

    monkeypatch.setattr(TaskQueue, "extend_all", refuse)
    farm.frame_clock.has_rendered("a", 0.1)
    farm.send("render", encode(RenderTask("a", "1")), encode(RenderTask("b", "1")))
    run(farm)
    assert len(farm.done) == 1
    assert farm.counts("render") == (0, 1), "the other is free when its lease is over"


def test_after_trouble_nothing_is_claimed_beside_what_is_in_hand(farm: Farm) -> None:
    farm.send("render", *(encode(RenderTask("a", str(frame))) for frame in range(1, 4)))
    trouble_told, claims = threading.Event(), list[Task]()

    def render(task: Task, lease: Lease) -> Outcome:
        claims.append(task)
        lease.blender_use = BlenderUse.AFTER
        if len(claims) == 2:
            trouble_told.set()
            raise MachineTroubleError("the shared file system is gone")
        assert trouble_told.wait(20)
        time.sleep(1)
        seen.append(len(claims))
        farm.departure.announce(STOP)
        return Settled("")

    seen: list[int] = []
    farm.handler = render
    run(farm)
    assert seen == [2]
