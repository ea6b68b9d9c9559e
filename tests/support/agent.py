"""The agent's parts around AWS edges and an obedient Blender."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from contract.job import Job
from contract.keys import small_pictures_prefix
from contract.routes import Route
from contract.stored_part import whole_key
from contract.table import job_key
from contract.tasks import BakeTask, FinishTask, RenderTask, Task, decode
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from tests.support.obedient_blender import ObedientSession, ObedientSessions
from tests.support.one_seat import turns_at
from worker_agent.bake.bake_task import BakeTaskHandler
from worker_agent.frames.failed_attempts import FailedAttempts
from worker_agent.frames.lost_project import LostProject
from worker_agent.frames.render_task import RenderTaskHandler
from worker_agent.host.machine import Machine
from worker_agent.jobs.finish_task import FinishTaskHandler
from worker_agent.output_check import OutputChecker
from worker_agent.preview import PreviewMaker
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.frame_clock import FrameClock
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.services.patience import patient
from worker_agent.stores import Stores
from worker_agent.stores.bucket import Bucket
from worker_agent.stores.frame_store import FrameStore
from worker_agent.stores.job_store import JobStore
from worker_agent.stores.scratch import Scratch
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import Outcome, Settled
from worker_agent.tasks.task_queue import Message, TaskQueue
from worker_agent.telemetry.metric_sinks import MetricCalls
from worker_agent.telemetry.metrics import FrameMetrics

PROJECT, JOB_ID = "film", "scene-0123456789ab"
BAKE, FINISH = BakeTask(JOB_ID), FinishTask(JOB_ID)


@dataclass
class Agent:
    aws: AwsEdges
    folder: Path
    blender: ObedientSession

    now: float = 0.0
    """Seconds, as this agent's failed attempts see them; they pass when a test says so."""
    has_gpu: bool = False
    """Whether its machine has one built in."""

    def __post_init__(self) -> None:
        self.clock = FrameClock()
        self.jobs = JobStore(self.aws.dynamodb, self.aws.job_table_name)
        self.frames = FrameStore(self.aws.dynamodb, self.aws.job_table_name, "worker-1", lambda _: None)
        self.bucket = Bucket(self.aws.s3, self.aws.render_bucket_name)
        self.scratch = Scratch(self.folder / "scratch")
        self.sessions = ObedientSessions(self.folder / "work", self.blender)
        sessions = cast(SceneSessions, self.sessions)
        stores = Stores(jobs=self.jobs, frames=self.frames, bucket=self.bucket, scratch=self.scratch)
        self.metrics = FrameMetrics(MetricCalls(self.aws.cloudwatch, namespace="farm", fleet="workers"))
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        self.machine = Machine(
            work=self.folder / "work",
            scratch=scratch,
            clear=sessions.clear_leftovers,
            has_gpu=lambda: self.has_gpu,
        )
        self.turns = turns_at(sessions, self.clock)
        self.stores = stores
        self.bake = self.baker(self.turns)
        self.render = self.renderer(self.turns)
        self.preview = PreviewMaker(self.bucket, folder=sessions.output_folder)
        self.finish = FinishTaskHandler(stores=stores, preview=self.preview).handle

    def baker(self, turns: BlenderTurns) -> Callable[[BakeTask, Lease], Outcome]:
        """What bakes; with turns of its own it is another worker's."""
        return BakeTaskHandler(
            stores=self.stores,
            sessions=cast(SceneSessions, self.sessions),
            turns=turns,
            machine=self.machine,
            queues={
                Route.URGENT: TaskQueue(self.aws.sqs, self.aws.urgent_queue_url),
                Route.BAKE: TaskQueue(self.aws.sqs, self.aws.bake_queue_url),
                Route.RENDER: TaskQueue(self.aws.sqs, self.aws.render_queue_url),
            },
        ).handle

    def renderer(self, turns: BlenderTurns) -> Callable[[RenderTask, Lease], Outcome]:
        """What renders, in its turns at these Blenders."""
        return RenderTaskHandler(
            stores=self.stores,
            sessions=cast(SceneSessions, self.sessions),
            turns=turns,
            machine=self.machine,
            checker=output_checker(),
            finish_queue=TaskQueue(self.aws.sqs, self.aws.urgent_queue_url),
            metrics=self.metrics,
            attempts=FailedAttempts(
                stores=self.stores, metrics=self.metrics, elsewhere_seconds=30, now=lambda: self.now
            ),
            lost=LostProject(
                stores=self.stores,
                bake_queue=TaskQueue(self.aws.sqs, self.aws.bake_queue_url),
                now=lambda: self.now,
            ),
        ).handle

    def upload(self, name: str = "scene.blend", content: bytes = b"BLENDER", **attributes: Any) -> None:
        """A job as the listener leaves it."""
        key = f"{PROJECT}/{name}"
        answer = self.aws.s3.put_object(Bucket=self.aws.render_bucket_name, Key=key, Body=content)
        job = a_job(
            JOB_ID,
            project=PROJECT,
            name=name,
            bucket=self.aws.render_bucket_name,
            source_key=key,
            source_version=answer["VersionId"],
            source_bytes=len(content),
            **attributes,
        )
        self.aws.dynamodb.put_item(
            TableName=self.aws.job_table_name, Item={**job_key(JOB_ID), **job.to_item()}
        )

    def lease(self, message_id: str = "m") -> Lease:
        """A lease nobody renews: handlers only ask whether it is lost."""
        queue = TaskQueue(self.aws.sqs, self.aws.bake_queue_url)
        return Lease(queue, Message(message_id, "receipt", ""), 120, lambda: None)

    def lost_lease(self, message_id: str = "m") -> Lease:
        lease = self.lease(message_id)
        lease._lost.set()
        return lease

    @property
    def job(self) -> Job:
        job = self.jobs.job(JOB_ID)
        assert job
        return job

    def sent(self, queue_url: str) -> list[Task]:
        """Take every task off a queue."""
        found = []
        while messages := self.aws.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [decode(message["Body"]) for message in messages]
        return found

    def stored(self) -> dict[str, bytes]:
        """What the job has brought forth, by the names that its records have for it."""
        output = f"{PROJECT}/output/{JOB_ID}/"
        names = [key.removeprefix(output) for key in self._listed(output)]
        names += [f"/{key}" for key in self._listed(small_pictures_prefix(JOB_ID))]
        return {name: self._read(whole_key(name, output=output)) for name in names}

    def _listed(self, prefix: str) -> list[str]:
        listed = self.aws.s3.list_objects_v2(Bucket=self.aws.render_bucket_name, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def _read(self, key: str) -> bytes:
        return self.aws.s3.get_object(Bucket=self.aws.render_bucket_name, Key=key)["Body"].read()


@contextmanager
def agent_in(folder: Path, *, patient_clients: bool = False) -> Iterator[Agent]:
    """With `patient_clients` its services are called as the agent's own process calls them."""
    with aws_edges() as aws:
        if patient_clients:
            aws = replace(aws, dynamodb=patient(aws.dynamodb), s3=patient(aws.s3), sqs=patient(aws.sqs))
        yield Agent(aws, folder, ObedientSession())


@cache
def output_checker() -> OutputChecker:
    """One for all tests: its process takes a second to start."""
    checker = OutputChecker()
    atexit.register(checker.close)
    return checker


def rendering(agent: Agent, frames: str = "1-2", options: Mapping[str, int] | None = None) -> None:
    """A job that was baked; its render tasks are taken off the queue."""
    agent.upload(options={"frames": frames, **(options or {})})
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    agent.sent(agent.aws.render_queue_url)


def task(frames: str) -> RenderTask:
    return RenderTask(JOB_ID, frames)
