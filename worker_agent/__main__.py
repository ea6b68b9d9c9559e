"""The agent's composition root: settings, clients, signals."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

import boto3

from contract.runtimes import RuntimesError, parse_runtimes
from contract.settings import AgentSettings, SettingsError
from contract.tasks import BakeTask, FinishTask, RenderTask
from worker_agent.bake_task import BakeTaskHandler
from worker_agent.bucket import Bucket
from worker_agent.failed_attempts import FailedAttempts
from worker_agent.finish_task import FinishTaskHandler
from worker_agent.frame_clock import FrameClock
from worker_agent.frame_store import FrameStore
from worker_agent.job_store import JobStore
from worker_agent.lease import LeaseKeeper
from worker_agent.loop import WorkLoop
from worker_agent.metrics import FrameMetrics
from worker_agent.render_task import RenderTaskHandler
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.scene_sessions import SceneSessions
from worker_agent.scratch import Scratch
from worker_agent.stores import Stores
from worker_agent.task_queue import TaskQueue

log = logging.getLogger("worker_agent")


def main() -> int:
    """Run until SIGTERM or SIGINT; what is held then is given back. Exit code 2: unusable settings."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("boto3").setLevel(logging.WARNING)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        settings = AgentSettings.from_env(os.environ)
        blenders = parse_runtimes(settings.blender_runtimes)
    except (SettingsError, RuntimesError) as error:
        print(error, file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    shelf = BlenderShelf(blenders, Path(settings.blender_directory), stopped=stop.is_set)
    sessions = SceneSessions(shelf, Path(settings.work_directory))
    threading.Thread(target=_stop_blender, args=(stop, sessions), name="stopper", daemon=True).start()
    leases = LeaseKeeper(settings.lease_seconds)
    leases.start()
    log.info("worker %s is ready", settings.worker_id)
    try:
        _loop(settings, sessions, leases, stop).run()
    finally:
        leases.stop()
        sessions.close()
    log.info("worker %s has stopped", settings.worker_id)
    return 0


def _stop_blender(stop: threading.Event, sessions: SceneSessions) -> None:
    """End Blender from a thread of its own: a signal handler must not wait for locks."""
    stop.wait()
    sessions.stop()


def _loop(
    settings: AgentSettings, sessions: SceneSessions, leases: LeaseKeeper, stop: threading.Event
) -> WorkLoop:
    """Put the parts together."""
    dynamodb = boto3.resource("dynamodb").meta.client
    sqs = boto3.client("sqs")
    bake, render, urgent, dead_letters = (
        TaskQueue(sqs, url)
        for url in (
            settings.bake_queue_url,
            settings.render_queue_url,
            settings.urgent_queue_url,
            settings.dead_letter_queue_url,
        )
    )
    stores = Stores(
        jobs=JobStore(dynamodb, settings.job_table_name),
        frames=FrameStore(dynamodb, settings.job_table_name, settings.worker_id),
        bucket=Bucket(boto3.client("s3"), settings.render_bucket_name),
        scratch=Scratch(Path(settings.scratch_directory)),
    )
    metrics = FrameMetrics(
        boto3.client("cloudwatch"), namespace=settings.cloudwatch_namespace, fleet=settings.worker_asg_name
    )
    baking = BakeTaskHandler(stores=stores, sessions=sessions, render_queue=render)
    rendering = RenderTaskHandler(
        stores=stores,
        sessions=sessions,
        finish_queue=urgent,
        metrics=metrics,
        clock=FrameClock(),
        attempts=FailedAttempts(stores=stores, metrics=metrics, elsewhere_seconds=settings.lease_seconds / 2),
    )
    finishing = FinishTaskHandler(stores=stores)
    return WorkLoop(
        queues=(urgent, bake, render),
        dead_letters=dead_letters,
        handlers={
            BakeTask: baking.handle,
            RenderTask: rendering.handle,
            FinishTask: finishing.handle,
        },
        leases=leases,
        metrics=metrics,
        stop=stop,
        on_lease_lost=sessions.kill,
        lease_seconds=settings.lease_seconds,
        poll_seconds=settings.poll_seconds,
    )


if __name__ == "__main__":
    sys.exit(main())
