"""Puts the agent's parts together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from contract.settings import AgentSettings
from worker_agent.agent_queues import AgentQueues
from worker_agent.host.boot_record import BootRecord
from worker_agent.host.machine import Machine
from worker_agent.host.own_machine import OwnMachine
from worker_agent.host_metrics.gpus import Gpus
from worker_agent.host_metrics.host import Host
from worker_agent.host_metrics.sender import HostMetrics
from worker_agent.interruptions.departure import Departure
from worker_agent.interruptions.drain import Drain
from worker_agent.interruptions.farewell import Farewell, TerminationHook
from worker_agent.interruptions.metadata import MetadataClient
from worker_agent.interruptions.record import InterruptionRecord
from worker_agent.interruptions.tasks_in_hand import TasksInHand
from worker_agent.jobs.usage_meter import UsageMeter
from worker_agent.loop import WorkLoop
from worker_agent.output_check import OutputChecker
from worker_agent.scale_in.group import OwnGroup
from worker_agent.scale_in.idle_worker import IdleWorker
from worker_agent.scale_in.protection import ScaleInProtection
from worker_agent.scale_in.succession import Succession
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.seat import make_seats
from worker_agent.seats.seat_clocks import SeatClocks
from worker_agent.seats.session_count import SessionCounts
from worker_agent.seats.spare_keeper import SpareKeeper
from worker_agent.services.clients import Clients, connect_ec2
from worker_agent.stores import Stores
from worker_agent.stores.bucket import Bucket
from worker_agent.stores.frame_store import FrameStore
from worker_agent.stores.job_store import JobStore
from worker_agent.stores.scratch import Scratch
from worker_agent.task_handlers import task_handlers
from worker_agent.task_runner import TaskRunner
from worker_agent.tasks.claim import frames_at_once
from worker_agent.tasks.hands import BESIDE_BLENDERS, Hands
from worker_agent.tasks.lease import LeaseKeeper
from worker_agent.tasks.task_source import TaskSource
from worker_agent.telemetry.metric_sinks import MetricSink
from worker_agent.telemetry.metrics import FrameMetrics
from worker_agent.telemetry.worker_report import WorkerReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """What `main` starts and ends: the children, and the threads that watch."""

    sessions: tuple[SceneSessions, ...]
    """One for each seat."""
    counts: SessionCounts
    checker: OutputChecker
    leases: LeaseKeeper
    departure: Departure
    part: Callable[[str], Callable[[], None]]
    """The beat of a thread that has to be heard (Watchdog.part)."""
    works: Callable[[], None]
    """Called when the agent has shown that it works, again and again."""


class Reporter(Protocol):
    """A thread that tells of the worker. Its stop may take some seconds: it says what is left to say."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def assemble(
    settings: AgentSettings, processes: Processes, metadata: MetadataClient, sink: MetricSink
) -> tuple[WorkLoop, tuple[Reporter, ...]]:
    """The loop that is the agent's life, and what tells of it, of what it costs and of its machine.

    `metadata` is the usage meter's own; `sink` is where metrics go.
    """
    clients = Clients.connect()
    queues = AgentQueues.of(settings, clients)
    departure = processes.departure
    stores = Stores(
        jobs=JobStore(clients.dynamodb, settings.job_table_name),
        frames=FrameStore(clients.dynamodb, settings.job_table_name, settings.worker_id),
        bucket=Bucket(clients.s3, settings.render_bucket_name, quick_s3=clients.quick_s3),
        scratch=Scratch(Path(settings.scratch_directory)),
    )
    metrics = FrameMetrics(sink)
    hands = Hands(count=len(processes.sessions) + BESIDE_BLENDERS, part=processes.part)
    seats = make_seats(processes.sessions, changed=hands.stir)
    in_hand = TasksInHand(InterruptionRecord(stores).note)

    def clear() -> None:
        """Only what no other task still needs: else it has to wait until they have ended."""
        if len(in_hand.held) <= 1:
            for sessions in processes.sessions:
                sessions.clear_leftovers()

    machine = Machine(
        work=Path(settings.work_directory), scratch=Path(settings.scratch_directory), clear=clear
    )
    clear()  # of an agent that died here
    turns = BlenderTurns(seats, processes.counts, stopped=lambda: departure.leaving, changed=hands.stir)
    frame_clock = SeatClocks(seats, turns)
    Drain(departure=departure, in_hand=in_hand, blender=turns).start()
    if spare := processes.sessions[0].spare:
        SpareKeeper(
            spare,
            rests=lambda: not (hands.busy or departure.leaving) and machine.has_room(),
            needs_soon=lambda: processes.sessions[0].will_be_worn(turns.sessions) and not departure.leaving,
        ).start()
    own_machine = OwnMachine(metadata, ec2=connect_ec2, hour_dollars=settings.worker_hour_dollars)
    idle = _idle_worker(settings, clients, queues, own_machine)
    usage = UsageMeter(clients.one_try_dynamodb, table=settings.job_table_name, machine=own_machine)
    runner = TaskRunner(
        dead_letters=queues.dead_letters,
        handlers=task_handlers(
            stores=stores,
            queues=queues,
            sessions=processes.sessions[0],
            turns=turns,
            machine=machine,
            checker=processes.checker,
            metrics=metrics,
            lease_seconds=settings.lease_seconds,
            leaving=lambda: departure.leaving,
            tell_usage=usage.flush,
        ),
        leases=processes.leases,
        departure=departure,
        in_hand=in_hand,
        idle=idle,
        on_lease_lost=turns.kill,
        frames_at_once=lambda job_id: frames_at_once(max(frame_clock.recent_seconds(job_id), default=None)),
        in_use=usage.hold,
        has_worked=BootRecord(
            clients.one_try_dynamodb, table=settings.job_table_name, deploy_version=settings.deploy_version
        ).has_worked,
    )
    hook = TerminationHook(
        clients.autoscaling, group=settings.worker_asg_name, instance_id=settings.worker_id
    )
    loop = WorkLoop(
        source=TaskSource(
            queues.tasks, lease_seconds=settings.lease_seconds, leaving=lambda: departure.leaving
        ),
        runner=runner,
        hands=hands,
        in_hand=in_hand,
        frame_clock=frame_clock,
        metrics=metrics,
        departure=departure,
        farewell=Farewell(departure, hook),
        idle=idle,
        poll_seconds=settings.poll_seconds,
        require_fit_machine=machine.require,
        has_room=machine.has_room,
        works=processes.works,
    )
    report = WorkerReport(
        clients.one_try_dynamodb,
        table=settings.job_table_name,
        worker_id=settings.worker_id,
        in_hand=in_hand,
        frame_clock=frame_clock,
        sessions=lambda: turns.sessions,
        machine=lambda: own_machine.facts,
    )
    host = HostMetrics(sink, parts=(Host(Path(settings.work_directory)), Gpus()))
    return loop, (report, usage, host)


def _idle_worker(
    settings: AgentSettings, clients: Clients, queues: AgentQueues, own_machine: OwnMachine
) -> IdleWorker:
    group = OwnGroup(clients.autoscaling, name=settings.worker_asg_name, worker_id=settings.worker_id)
    protection = ScaleInProtection(group)
    protection.learn()
    succession = Succession(
        clients.one_try_dynamodb,
        table=settings.job_table_name,
        worker_id=settings.worker_id,
        own_version=settings.worker_version,
        launched_at=lambda: own_machine.launched_at,
    )
    return IdleWorker(
        group=group,
        queues=queues.tasks,
        protection=protection,
        idle_seconds=settings.idle_seconds,
        look_seconds=settings.poll_seconds,
        superseded=succession.is_due,
    )
