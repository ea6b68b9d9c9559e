"""Agents in threads of this process: the real loop, handlers and stores, around a stand-in for Blender."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast
from unittest import mock

import boto3
import botocore.session

from bench.aws_in_memory import Services
from bench.scale.sleeping_blender import VERSION, SleepingBlender
from contract.runtimes import RuntimeSpec
from contract.settings import AgentSettings, Cage
from worker_agent.assembly import Processes, Reporter, assemble
from worker_agent.clients import Clients
from worker_agent.interruptions.departure import Departure, Interruption, Notice
from worker_agent.interruptions.metadata import MetadataClient
from worker_agent.lease import LeaseKeeper
from worker_agent.loop import WorkLoop
from worker_agent.output_check import OutputChecker, Pictures
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.scene_sessions import SceneSessions

_QUEUE: Final = "https://sqs.us-east-1.amazonaws.com/123456789012/"
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


class SharedChecker(OutputChecker):
    """One decoder for all agents of the process, one file after another."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = threading.Lock()

    def check(self, *args: Any, **more: Any) -> Pictures | None:
        with self._turn:
            return super().check(*args, **more)


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


class Fleet:
    """Makes agents and starts them; all share their clients, as they share nothing else."""

    def __init__(self, folder: Path, names: Names, clients: Clients, checker: OutputChecker) -> None:
        self._folder = folder
        self._names = names
        self._clients = clients
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
        settings = _settings(self._folder, self._names, f"worker-{number:04d}")
        departure = Departure()
        sessions = SceneSessions(
            BlenderShelf([RuntimeSpec(version=VERSION, path="/asleep/blender")], self._folder),
            Path(settings.work_directory),
            stopped=lambda: departure.leaving,
        )
        processes = Processes(
            sessions=sessions,
            checker=self._checker,
            leases=LeaseKeeper(settings.lease_seconds),
            departure=departure,
            works=lambda: None,
            part=lambda name: lambda: None,
        )
        with mock.patch.object(Clients, "connect", return_value=self._clients):
            loop, reporters = assemble(settings, processes, cast(MetadataClient, _SilentMetadata()))
        thread = threading.Thread(target=loop.run, name=f"agent-{number}", daemon=True)
        return _Agent(
            loop=loop, reporters=reporters, departure=departure, thread=thread, leases=processes.leases
        )


def _stop(agent: _Agent) -> None:
    agent.thread.join()
    for reporter in agent.reporters:
        reporter.stop()
    agent.leases.stop()


def _settings(folder: Path, names: Names, worker_id: str) -> AgentSettings:
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
        lease_seconds=120,
        poll_seconds=20,
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
    folder: Path, session: botocore.session.Session, names: Names, *, frame_seconds: float
) -> Iterator[Fleet]:
    """No agent yet; all are gone in the end. Their clients are this session's."""
    (folder / "scratch" / "jobs").mkdir(parents=True)
    with ExitStack() as stack:
        stack.enter_context(mock.patch("worker_agent.scene_sessions.BlenderSession", SleepingBlender))
        stack.enter_context(mock.patch.object(SleepingBlender, "frame_seconds", frame_seconds))
        boto3.setup_default_session(botocore_session=session)
        stack.callback(boto3.setup_default_session)
        checker = SharedChecker()
        stack.callback(checker.close)
        checker.start()
        fleet = Fleet(folder, names, Clients.connect(), checker)
        stack.callback(fleet.stop)
        yield fleet
