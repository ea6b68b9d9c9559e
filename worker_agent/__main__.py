"""The agent's composition root: settings, clients, signals."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path

from contract.runtimes import RuntimesError, parse_runtimes
from contract.settings import AgentSettings, SettingsError
from contract.tasks import BakeTask, FinishTask, RenderTask, Task
from worker_agent.bake_task import BakeTaskHandler
from worker_agent.bucket import Bucket
from worker_agent.clients import Clients
from worker_agent.failed_attempts import FailedAttempts
from worker_agent.finish_task import FinishTaskHandler
from worker_agent.frame_clock import FrameClock
from worker_agent.frame_store import FrameStore
from worker_agent.guarded_handler import GuardedHandler
from worker_agent.interruptions.departure import Departure
from worker_agent.interruptions.drain import Drain
from worker_agent.interruptions.farewell import Farewell, TerminationHook
from worker_agent.interruptions.metadata import DEFAULT_ENDPOINT as METADATA_ENDPOINT
from worker_agent.interruptions.metadata import ENDPOINT_VARIABLE as METADATA_VARIABLE
from worker_agent.interruptions.metadata import MetadataClient
from worker_agent.interruptions.record import InterruptionRecord
from worker_agent.interruptions.signals import heed_signals
from worker_agent.interruptions.task_in_hand import TaskInHand
from worker_agent.interruptions.watcher import NoticeWatcher
from worker_agent.job_store import JobStore
from worker_agent.lease import LeaseKeeper
from worker_agent.loop import WorkLoop
from worker_agent.lost_project import LostProject
from worker_agent.machine import Machine
from worker_agent.metrics import FrameMetrics
from worker_agent.output_check import OutputChecker
from worker_agent.render_task import RenderTaskHandler
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.scale_in.group import OwnGroup
from worker_agent.scale_in.idle_worker import IdleWorker
from worker_agent.scale_in.protection import ScaleInProtection
from worker_agent.scene_sessions import SceneSessions
from worker_agent.scratch import Scratch
from worker_agent.stores import Stores
from worker_agent.task_queue import TaskQueue
from worker_agent.task_runner import Handler, TaskRunner
from worker_agent.worker_report import WorkerReport

log = logging.getLogger("worker_agent")

THREAD_DIED = 70
"""Exit status: a bug of ours."""


def main() -> int:
    """Run until SIGTERM or SIGINT; what is held then is finished or given back. Exit code 2: bad settings."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("boto3").setLevel(logging.WARNING)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        settings = AgentSettings.from_env(os.environ)
        blenders = parse_runtimes(settings.blender_runtimes)
    except (SettingsError, RuntimesError) as error:
        print(error, file=sys.stderr)
        return 2
    threading.excepthook = _end_process
    departure = Departure()
    heed_signals(departure, stop_seconds=settings.stop_seconds)
    shelf = BlenderShelf(blenders, Path(settings.blender_directory), stopped=lambda: departure.leaving)
    sessions = SceneSessions(shelf, Path(settings.work_directory), stopped=lambda: departure.leaving)
    metadata = MetadataClient(os.environ.get(METADATA_VARIABLE) or METADATA_ENDPOINT)
    watcher = NoticeWatcher(metadata, departure)
    checker = OutputChecker()
    leases = LeaseKeeper(settings.lease_seconds)
    loop, report = _loop(settings, sessions, checker, leases, departure)
    watcher.start()
    leases.start()
    try:
        checker.start()
        report.start()
        log.info("worker %s is ready", settings.worker_id)
        loop.run()
    finally:
        report.stop()
        watcher.stop()
        leases.stop()
        sessions.close()
        checker.close()
    log.info("worker %s has stopped", settings.worker_id)
    return 0


def _end_process(death: threading.ExceptHookArgs) -> None:
    """An agent that lacks a thread is none: leases lapse, and whoever keeps it starts another."""
    name = death.thread.name if death.thread else "unknown"
    trace = (death.exc_type, death.exc_value or death.exc_type(), death.exc_traceback)
    log.critical("the thread %s has died: ending", name, exc_info=trace)
    logging.shutdown()
    os._exit(THREAD_DIED)


def _loop(
    settings: AgentSettings,
    sessions: SceneSessions,
    checker: OutputChecker,
    leases: LeaseKeeper,
    departure: Departure,
) -> tuple[WorkLoop, WorkerReport]:
    """Put the parts together."""
    clients = Clients.connect()
    bake, render, urgent, dead_letters = (
        TaskQueue(clients.sqs, url, quick_sqs=clients.quick_sqs)
        for url in (
            settings.bake_queue_url,
            settings.render_queue_url,
            settings.urgent_queue_url,
            settings.dead_letter_queue_url,
        )
    )
    stores = Stores(
        jobs=JobStore(clients.dynamodb, settings.job_table_name),
        frames=FrameStore(clients.dynamodb, settings.job_table_name, settings.worker_id),
        bucket=Bucket(clients.s3, settings.render_bucket_name),
        scratch=Scratch(Path(settings.scratch_directory)),
    )
    metrics = FrameMetrics(
        clients.cloudwatch, namespace=settings.cloudwatch_namespace, fleet=settings.worker_asg_name
    )
    machine = Machine(
        work=Path(settings.work_directory),
        scratch=Path(settings.scratch_directory),
        clear=sessions.clear_leftovers,
    )
    sessions.clear_leftovers()  # of an agent that died here
    baking = BakeTaskHandler(
        stores=stores, sessions=sessions, machine=machine, render_queue=render, finish_queue=urgent
    )
    frame_clock = FrameClock()
    rendering = RenderTaskHandler(
        stores=stores,
        sessions=sessions,
        machine=machine,
        checker=checker,
        finish_queue=urgent,
        metrics=metrics,
        clock=frame_clock,
        attempts=FailedAttempts(stores=stores, metrics=metrics, elsewhere_seconds=settings.lease_seconds / 2),
        lost=LostProject(stores=stores, bake_queue=bake),
    )
    finishing = FinishTaskHandler(stores=stores)
    in_hand = TaskInHand(InterruptionRecord(stores).note)
    Drain(departure=departure, in_hand=in_hand, blender=sessions, frame_clock=frame_clock).start()
    hook = TerminationHook(
        clients.autoscaling, group=settings.worker_asg_name, instance_id=settings.worker_id
    )
    group = OwnGroup(clients.autoscaling, name=settings.worker_asg_name, worker_id=settings.worker_id)
    idle = IdleWorker(
        group=group,
        queues=(urgent, bake, render),
        protection=ScaleInProtection(group),
        idle_seconds=settings.idle_seconds,
        look_seconds=settings.poll_seconds,
    )
    report = WorkerReport(
        clients.one_try_dynamodb,
        table=settings.job_table_name,
        worker_id=settings.worker_id,
        in_hand=in_hand,
        frame_clock=frame_clock,
    )
    handlers: dict[type[Task], Handler] = {
        BakeTask: baking.handle,
        RenderTask: rendering.handle,
        FinishTask: finishing.handle,
    }
    runner = TaskRunner(
        dead_letters=dead_letters,
        handlers={
            task: GuardedHandler(handle, machine=machine, jobs=stores.jobs)
            for task, handle in handlers.items()
        },
        leases=leases,
        departure=departure,
        in_hand=in_hand,
        idle=idle,
        on_lease_lost=sessions.kill,
    )
    loop = WorkLoop(
        queues=(urgent, bake, render),
        runner=runner,
        metrics=metrics,
        departure=departure,
        farewell=Farewell(departure, hook),
        idle=idle,
        lease_seconds=settings.lease_seconds,
        poll_seconds=settings.poll_seconds,
        require_fit_machine=machine.require,
    )
    return loop, report


if __name__ == "__main__":
    sys.exit(main())
