"""Agents in threads of this process: the real loop, handlers and stores, around a stand-in for Blender."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, cast
from unittest import mock

import boto3
import botocore.session

from bench.aws_in_memory import Services
from bench.scale.sleeping_blender import VERSION, SleepingBlender
from contract.leases import LEASE_SECONDS, POLL_SECONDS
from contract.runtimes import RuntimeSpec
from contract.settings import AgentSettings, Cage
from worker_agent.assembly import Processes, Reporter, assemble
from worker_agent.interruptions.departure import Departure, Interruption, Notice
from worker_agent.interruptions.metadata import MetadataClient
from worker_agent.loop import WorkLoop
from worker_agent.output_check import OutputChecker
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.seat import make_sessions
from worker_agent.seats.session_count import SessionCounts
from worker_agent.services.clients import ONE_TRY, Clients
from worker_agent.tasks.lease import LeaseKeeper
from worker_agent.telemetry.metric_sinks import MetricLog

_QUEUE: Final = "https://sqs.us-east-1.amazonaws.com/123456789012/"
METRICS_LOG_GROUP: Final = "/workers"
"""Of services that have it, or make what they are asked for."""
_GOODBYE_SECONDS: Final = 30.0
_STOPPED_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the agents are told of the farm; as given, that of services which make what they are asked for."""

    job_table_name: str = "jobs"
    render_bucket_name: str = "renders"
    bake_queue_url: str = f"{_QUEUE}bake"
    render_queue_url: str = f"{_QUEUE}render"
    urgent_queue_url: str = f"{_QUEUE}urgent"
    dead_letter_queue_url: str = f"{_QUEUE}dead"


class _SilentMetadata:
    """Of a machine that says nothing of itself: it has no price and no launch time."""

    def get(self, path: str) -> str | None:
        return None

    def identity_document(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agent:
    loop: WorkLoop
    reporters: tuple[Reporter, ...]
    departure: Departure
    thread: threading.Thread
    leases: LeaseKeeper
    sink: MetricLog


class Fleet:
    """Makes agents and starts them; all share their clients, as they share nothing else."""

    def __init__(
        self, folder: Path, names: Names, clients: Clients, checker: OutputChecker, poll_seconds: int
    ) -> None:
        self._folder = folder
        self._poll_seconds = poll_seconds
        self._names = names
        self._clients = clients
        self._logs = boto3.client("logs", config=ONE_TRY)
        self._checker = checker
        self._agents: list[_Agent] = []

    def __len__(self) -> int:
        return len(self._agents)

    def add(self) -> None:
        """One more agent, at work from now on."""
        agent = self._make(len(self._agents))
        self._agents.append(agent)
        agent.leases.start()
        for reporter in agent.reporters:
            reporter.start()
        agent.thread.start()

    def stop(self) -> None:
        for agent in self._agents:
            agent.departure.announce(Notice(kind=Interruption.STOP, seconds=_GOODBYE_SECONDS))
        with ThreadPoolExecutor(_STOPPED_AT_ONCE) as pool:
            list(pool.map(_stop, self._agents))

    def _make(self, number: int) -> _Agent:
        settings = _settings(self._folder, self._names, f"worker-{number:04d}", self._poll_seconds)
        departure = Departure()
        sessions = make_sessions(
            1,
            BlenderShelf([RuntimeSpec(version=VERSION, path="/asleep/blender")], self._folder),
            Path(settings.work_directory),
            cage=None,
            stopped=lambda: departure.leaving,
        )
        processes = Processes(
            sessions=sessions,
            counts=SessionCounts(1, processors=1),  # what others use of this computer says nothing here
            checker=self._checker,
            leases=LeaseKeeper(settings.lease_seconds),
            departure=departure,
            works=lambda: None,
            part=lambda name: lambda: None,
        )
        sink = MetricLog(
            self._logs,
            group=METRICS_LOG_GROUP,
            worker_id=settings.worker_id,
            namespace=settings.cloudwatch_namespace,
            fleet=settings.worker_asg_name,
        )
        with mock.patch.object(Clients, "connect", return_value=self._clients):
            loop, reporters = assemble(settings, processes, cast(MetadataClient, _SilentMetadata()), sink)
        thread = threading.Thread(target=loop.run, name=f"agent-{number}", daemon=True)
        return _Agent(
            loop=loop,
            reporters=reporters,
            departure=departure,
            thread=thread,
            leases=processes.leases,
            sink=sink,
        )


def _stop(agent: _Agent) -> None:
    agent.thread.join()
    for reporter in agent.reporters:
        reporter.stop()
    agent.leases.stop()
    agent.sink.close()


def _settings(folder: Path, names: Names, worker_id: str, poll_seconds: int) -> AgentSettings:
    work = folder / worker_id
    work.mkdir(parents=True)
    return AgentSettings(
        **asdict(names),
        cloudwatch_namespace="AutoBlenderRender",
        worker_asg_name="workers",
        worker_id=worker_id,
        scratch_directory=str(folder / "scratch"),
        work_directory=str(work),
        blender_runtimes=VERSION,
        blender_directory=str(folder / "blenders"),
        lease_seconds=LEASE_SECONDS,
        poll_seconds=poll_seconds,
        idle_seconds=3600,
        worker_version="1",
        deploy_version="1",
        cage=Cage.NONE,
    )


def session_of(services: Services) -> botocore.session.Session:
    """Whose clients are answered by these services."""
    session = botocore.session.Session()
    session.set_credentials("none", "none")
    session.set_config_variable("region", "us-east-1")
    services.answer_all_of(session)
    return session


@contextmanager
def a_fleet(
    folder: Path,
    session: botocore.session.Session,
    names: Names,
    *,
    frame_seconds: float,
    told_seconds: float | None = None,
    poll_seconds: int = POLL_SECONDS,
) -> Iterator[Fleet]:
    """No agent yet; all are gone in the end. Their clients are this session's.

    A frame takes `frame_seconds`, and is said to have taken `told_seconds`.
    """
    (folder / "scratch" / "jobs").mkdir(parents=True)
    with ExitStack() as stack:
        stack.enter_context(mock.patch("worker_agent.seats.blender_start.BlenderSession", SleepingBlender))
        told = frame_seconds if told_seconds is None else told_seconds
        stack.enter_context(mock.patch.object(SleepingBlender, "frame_seconds", frame_seconds))
        stack.enter_context(mock.patch.object(SleepingBlender, "told_seconds", told))
        boto3.setup_default_session(botocore_session=session)
        stack.callback(boto3.setup_default_session)
        checker = OutputChecker()  # one decoder for all: it takes turns
        stack.callback(checker.close)
        checker.start()
        fleet = Fleet(folder, names, Clients.connect(), checker, poll_seconds)
        stack.callback(fleet.stop)
        yield fleet
