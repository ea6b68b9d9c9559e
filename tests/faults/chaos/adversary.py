"""Whoever wishes the farm ill: seeded, in a thread of the harness, until it is called off."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from contract.tasks import BakeTask, FinishTask, RenderTask, Task, encode
from tests.faults.chaos.fleet import Fleet, Leave
from tests.faults.chaos.plan import PlannedJob
from tests.faults.chaos.services import Services

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

PERIOD_REQUESTS: Final[Mapping[str, float]] = {
    "agents killed": 600,
    Leave.SIGTERM: 2000,
    Leave.SPOT: 2000,
    Leave.REBALANCE: 3000,
    Leave.SCALE_IN: 2000,
    "messages duplicated": 120,
    "events duplicated": 250,
    "leases expired": 120,
    "outages": 3500,
}
"""The mean number of requests of agents between two faults of a kind: a slow computer is no harder beset.

A frame takes some fifteen. A new agent costs a second or two of a processor.
"""


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
    services: Services
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
        faults: Mapping[str, Callable[[random.Random], bool]] = {
            "agents killed": self.fleet.kill,
            **{way: partial(self.fleet.send_away, way=way) for way in Leave},
            "messages duplicated": self._duplicate_message,
            "events duplicated": self._duplicate_event,
            "leases expired": self._expire_lease,
            "outages": self.services.take_one_down,
        }
        due = {name: dice.expovariate(1 / PERIOD_REQUESTS[name]) for name in faults}
        while not self._stop.wait(0.05):
            requests = self.services.requests
            for name, do in faults.items():
                if requests < due[name]:
                    continue
                due[name] = requests + dice.expovariate(1 / PERIOD_REQUESTS[name])
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
        recent = self.services.latest_receipts()[-self.fleet.size * 2 :]
        if not recent:
            return False
        url, receipt = dice.choice(recent)
        try:
            self.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
        except ClientError:  # it was done with, as most are
            return False
        return True
