"""Whoever wishes the farm ill: seeded, in a thread of the harness, until it is called off."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from contract.tasks import BakeTask, FinishTask, RenderTask, Task, encode
from tests.faults.chaos.fleet import Fleet, Leave
from tests.faults.chaos.plan import PlannedJob

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

PERIOD_SECONDS: Final[Mapping[str, float]] = {
    "agents killed": 4.0,
    Leave.SIGTERM: 12.0,
    Leave.SPOT: 12.0,
    Leave.REBALANCE: 20.0,
    Leave.SCALE_IN: 12.0,
    "messages duplicated": 0.7,
    "events duplicated": 1.5,
    "leases expired": 0.7,
}
"""The mean time between two faults of a kind. A new agent costs a second or two of a processor."""


@dataclass
class Known:
    """The jobs that are uploaded so far, each with its id and the event that told of it."""

    jobs: list[tuple[str, PlannedJob]] = field(default_factory=list)
    events: list[Mapping[str, object]] = field(default_factory=list)


@dataclass
class Adversary:
    seed: int
    fleet: Fleet
    known: Known
    sqs: SQSClient
    functions: LambdaClient
    queue_urls: Mapping[str, str]
    listener: str
    """The name of the Lambda that hears of uploads."""
    receipts: Callable[[], Sequence[tuple[str, str]]] = tuple
    """Queue and receipt of messages that were handed to agents a moment ago."""
    others: Mapping[str, tuple[float, Callable[[random.Random], bool]]] = field(default_factory=dict)
    """More kinds of faults, with their mean periods in seconds."""
    counts: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="adversary", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        dice = random.Random(self.seed)
        own: Mapping[str, Callable[[random.Random], bool]] = {
            "agents killed": self.fleet.kill,
            **{way: partial(self.fleet.send_away, way=way) for way in Leave},
            "messages duplicated": self._duplicate_message,
            "events duplicated": self._duplicate_event,
            "leases expired": self._expire_lease,
        }
        faults = {name: (PERIOD_SECONDS[name], do) for name, do in own.items()} | dict(self.others)
        due = {name: time.monotonic() + dice.expovariate(1 / period) for name, (period, _) in faults.items()}
        while not self._stop.wait(0.05):
            for name, (period, do) in faults.items():
                if time.monotonic() < due[name]:
                    continue
                due[name] = time.monotonic() + dice.expovariate(1 / period)
                try:
                    self.counts[name] += do(dice)
                except (ClientError, BotoCoreError):
                    self.counts[f"{name}: refused"] += 1

    def _duplicate_message(self, dice: random.Random) -> bool:
        if not self.known.jobs:
            return False
        job_id, job = dice.choice(self.known.jobs)
        frame = str(dice.choice(job.numbers))
        tasks: Sequence[tuple[str, Task]] = (
            ("bake", BakeTask(job_id)),
            ("urgent", FinishTask(job_id)),
            ("render", RenderTask(job_id, frame)),
            ("urgent", RenderTask(job_id, frame)),
        )
        queue, task = dice.choice(tasks)
        self.sqs.send_message(QueueUrl=self.queue_urls[queue], MessageBody=encode(task))
        return True

    def _duplicate_event(self, dice: random.Random) -> bool:
        if not self.known.events:
            return False
        event = json.dumps(dice.choice(self.known.events)).encode()
        self.functions.invoke(FunctionName=self.listener, InvocationType="Event", Payload=event)
        return True

    def _expire_lease(self, dice: random.Random) -> bool:
        """As if the holder had slept for too long."""
        recent = list(self.receipts())[-self.fleet.size * 2 :]
        if not recent:
            return False
        url, receipt = dice.choice(recent)
        try:
            self.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
        except ClientError:  # it was done with, as most are
            return False
        return True
