"""Agents' real loops around one queue and one group, in a time that passes when somebody waits or works."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import create_autospec

from contract.tasks import BakeTask, FinishTask, RenderTask, Task, encode
from tests.support.one_hand import OneHand
from tests.support.unruly_group import GOING, Machine, UnrulyGroup
from worker_agent.interruptions.departure import Departure, Interruption, Notice
from worker_agent.interruptions.farewell import Farewell, TerminationHook
from worker_agent.interruptions.tasks_in_hand import TasksInHand
from worker_agent.loop import WorkLoop
from worker_agent.scale_in.group import OwnGroup
from worker_agent.scale_in.idle_worker import IdleWorker
from worker_agent.scale_in.protection import ScaleInProtection
from worker_agent.seats.frame_clock import FrameClock
from worker_agent.task_runner import TaskRunner
from worker_agent.tasks.lease import Lease, LeaseKeeper
from worker_agent.tasks.outcome import Outcome, Settled
from worker_agent.tasks.task_queue import Message, TaskQueue
from worker_agent.tasks.task_source import TaskSource
from worker_agent.telemetry.metrics import FrameMetrics

IDLE_SECONDS, POLL_SECONDS = 60, 20
TASK = RenderTask("a", "1")


@dataclass
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class TimedQueue:
    """One queue in memory; a poll that finds nothing takes its time, or ends when something is sent."""

    time: Time
    waiting: list[Message] = field(default_factory=list)
    in_flight: list[Message] = field(default_factory=list)
    to_come: list[tuple[float, Message]] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)
    """When each was begun."""
    unseen: int = 0
    """Looks at the counts that will see nothing: SQS counts late."""
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def send(self, task: Task = TASK, *, after_seconds: float = 0) -> None:
        message = Message(str(next(self._numbers)), "receipt", encode(task))
        if after_seconds:
            self.to_come.append((self.time.now + after_seconds, message))
        else:
            self.waiting.append(message)

    def receive(self, *, wait_seconds: int, lease_seconds: int) -> Message | None:
        self.polls.append(self.time.now)
        until = self.time.now + wait_seconds
        due = sorted(item for item in self.to_come if item[0] <= until) if not self.waiting else []
        if due:
            self.to_come.remove(due[0])
            self.time.now = max(self.time.now, due[0][0])
            self.waiting.append(due[0][1])
        if not self.waiting:
            self.time.now = until
            return None
        self.in_flight.append(self.waiting.pop(0))
        return self.in_flight[-1]

    def give_back_all(self, messages: Sequence[Message], delay_seconds: int) -> int:
        self.delete_all(messages)
        self.waiting += messages
        return len(messages)

    def give_back_unused(self, messages: Sequence[Message]) -> None:
        self.give_back_all(messages, 0)

    def delete_all(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.in_flight.remove(message)

    def tasks(self) -> int:
        if self.unseen:
            self.unseen -= 1
            return 0
        return len(self.waiting) + len(self.in_flight)


@dataclass
class TimedSource:
    """Of that one queue; while an agent waits for it, the time passes."""

    queue: TimedQueue

    def take(self, *, most: int, wait_seconds: int) -> tuple[TimedQueue, list[Message]] | None:
        message = self.queue.receive(wait_seconds=wait_seconds, lease_seconds=120)
        return (self.queue, [message]) if message else None

    def settle(self, seconds: float) -> None:
        pass


class TimedDeparture(Departure):
    def __init__(self, time: Time) -> None:
        super().__init__(time)
        self._time = time

    def wait(self, seconds: float, seen: int) -> None:
        if self.announcements == seen:
            self._time.sleep(seconds)


@dataclass
class Fleet:
    """`during` is called in the middle of each task. A machine whose hook is completed steps no more."""

    names: tuple[str, ...]
    task_seconds: float = 10.0
    during: Callable[[str], None] = lambda name: None
    require_fit_machine: Callable[[], None] = lambda: None
    superseded: Callable[[str], bool] = lambda name: False
    """Whether a machine is of an older version than the deployed one."""
    notices: bool = True
    """The machines hear at once what the group has decided."""
    worked: list[tuple[str, bool]] = field(default_factory=list)
    """Who has done a task, and whether it was protected all the time."""

    def __post_init__(self) -> None:
        self.time = Time()
        self.queue = TimedQueue(self.time)
        self.group = UnrulyGroup({name: Machine() for name in self.names})
        self.loops: dict[str, WorkLoop] = {}
        self.departures: dict[str, Departure] = {}
        self.background: list[Callable[[], None]] = []
        """What asks for protection while a task is done; it is run in the middle of it."""
        for name in self.names:
            self._start(name)

    def step(self, name: str) -> None:
        machine = self.group.machines.get(name)
        if machine is None:
            self.time.sleep(1)
            return
        if self.notices:
            self.hear(name)
        self.loops[name].step()

    def run(self, seconds: float) -> None:
        """Everybody in turn."""
        until = self.time.now + seconds
        while self.time.now < until:
            for name in self.names:
                self.step(name)

    def run_until(self, true: Callable[[], object], seconds: float = 7200.0) -> None:
        """Everybody in turn, a step each time."""
        until = self.time.now + seconds
        while not true():
            assert self.time.now < until, f"not within {seconds} s"
            for name in self.names:
                self.step(name)

    def hear(self, name: str) -> None:
        machine = self.group.machines.get(name)
        if machine and machine.state == GOING:
            self.departures[name].announce(Notice(kind=Interruption.SCALE_IN, seconds=120))

    def _start(self, name: str) -> None:
        queue = cast(TaskQueue, self.queue)
        departure = self.departures[name] = TimedDeparture(self.time)
        client = cast(Any, self.group)
        group = OwnGroup(client, name="workers", worker_id=name)
        idle = IdleWorker(
            group=group,
            queues=(queue,),
            protection=ScaleInProtection(group, sleep=self.time.sleep, in_background=self.background.append),
            idle_seconds=IDLE_SECONDS,
            look_seconds=POLL_SECONDS,
            clock=self.time,
            superseded=lambda: self.superseded(name),
        )

        def work(_: Task, lease: Lease) -> Outcome:
            began = self.group.machines[name].protected
            self.time.sleep(self.task_seconds / 2)
            self.during(name)
            while self.background:
                self.background.pop()()
            self.time.sleep(self.task_seconds / 2)
            machine = self.group.machines[name]
            self.worked.append((name, began and machine.protected and machine.state != GOING))
            return Settled("done")

        in_hand = TasksInHand(lambda _: None)
        hook = TerminationHook(client, group="workers", instance_id=name)
        runner = TaskRunner(
            dead_letters=queue,
            handlers=dict.fromkeys((BakeTask, RenderTask, FinishTask), work),
            leases=LeaseKeeper(120),
            departure=departure,
            in_hand=in_hand,
            idle=idle,
            on_lease_lost=lambda _: None,
        )
        self.loops[name] = WorkLoop(
            source=cast(TaskSource, TimedSource(self.queue)),
            runner=runner,
            hands=OneHand(),
            in_hand=in_hand,
            frame_clock=FrameClock(self.time),
            metrics=create_autospec(FrameMetrics),
            departure=departure,
            farewell=Farewell(departure, hook, self.time),
            idle=idle,
            poll_seconds=POLL_SECONDS,
            require_fit_machine=lambda: self.require_fit_machine(),
        )
