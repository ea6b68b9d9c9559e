"""The agent's process: settings, signals, children, threads, and its end."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from functools import partial
from pathlib import Path

from contract.cage.probe import CageUnavailableError, offered_options
from contract.runtimes import RuntimesError, parse_runtimes
from contract.settings import AgentSettings, Cage, SettingsError
from worker_agent.assembly import Processes, assemble
from worker_agent.host.service_manager import ServiceManager
from worker_agent.interruptions.departure import Departure
from worker_agent.interruptions.metadata import DEFAULT_ENDPOINT as METADATA_ENDPOINT
from worker_agent.interruptions.metadata import ENDPOINT_VARIABLE as METADATA_VARIABLE
from worker_agent.interruptions.metadata import MetadataClient
from worker_agent.interruptions.signals import heed_signals
from worker_agent.interruptions.watcher import NoticeWatcher
from worker_agent.output_check import OutputChecker
from worker_agent.runtimes.kept_releases import KeptReleases
from worker_agent.runtimes.shelf import BlenderShelf, install
from worker_agent.seats.seat import close_all, make_sessions
from worker_agent.seats.session_count import SessionCounts
from worker_agent.services.clients import connect_cloudwatch, connect_logs, connect_s3
from worker_agent.tasks.lease import LeaseKeeper
from worker_agent.telemetry.cloud_log import CloudLog
from worker_agent.telemetry.metric_sinks import metric_sink
from worker_agent.watchdog import Watchdog, beating_with, still_alive

log = logging.getLogger("worker_agent")

THREAD_DIED = 70
"""Exit status: a bug of ours."""


def main() -> int:
    """Run until SIGTERM or SIGINT; what is held then is finished or given back. Exit code 2: bad settings,
    or a cage that they ask for and this machine has not.
    """
    faulthandler.enable()  # SIGABRT, from the watchdog: what was every thread at?
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("boto3").setLevel(logging.WARNING)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        settings = AgentSettings.from_env(os.environ)
        blenders = parse_runtimes(settings.blender_runtimes)
        cage = offered_options() if settings.cage is Cage.BUBBLEWRAP else None
    except (SettingsError, RuntimesError, CageUnavailableError) as error:
        print(error, file=sys.stderr)
        return 2
    logs = connect_logs() if settings.log_group_name or settings.metrics_log_group_name else None
    if logs and settings.log_group_name:
        handler = CloudLog(logs, group=settings.log_group_name, stream=settings.worker_id)
        logging.getLogger().addHandler(handler)
    threading.excepthook = _end_process
    manager = ServiceManager.taken_from(os.environ)
    watchdog = Watchdog(manager.alive)
    departure = Departure()
    heed_signals(departure, stop_seconds=settings.stop_seconds, stopping=manager.stopping)

    def stopped() -> bool:
        """Asked at each step of an installation, which may take long."""
        still_alive()
        return departure.leaving

    shelf = BlenderShelf(
        blenders,
        Path(settings.blender_directory),
        stopped=stopped,
        installer=partial(install, kept=KeptReleases(connect_s3, settings.render_bucket_name)),
    )
    counts = SessionCounts(settings.blender_sessions, processors=os.cpu_count() or 1)
    sessions = make_sessions(
        counts.most,
        shelf,
        Path(settings.work_directory),
        cage=cage,
        stopped=lambda: departure.leaving,
        projects=Path(settings.scratch_directory),
    )
    endpoint = os.environ.get(METADATA_VARIABLE) or METADATA_ENDPOINT
    watcher = NoticeWatcher(MetadataClient(endpoint), departure)
    checker = OutputChecker()
    leases = LeaseKeeper(settings.lease_seconds, beat=watchdog.part("lease watch"))
    processes = Processes(
        sessions=sessions,
        counts=counts,
        checker=checker,
        leases=leases,
        departure=departure,
        part=watchdog.part,
        works=manager.ready,
    )
    sink = metric_sink(settings, logs=logs, connect_cloudwatch=connect_cloudwatch)
    loop, reporters = assemble(settings, processes, MetadataClient(endpoint), sink)
    watcher.start()
    leases.start()
    for reporter in reporters:
        reporter.start()
    try:
        checker.start()
        log.info("worker %s is ready", settings.worker_id)
        with beating_with(watchdog.part("work")):
            loop.run()
    finally:
        for reporter in reversed(reporters):
            reporter.stop()
        watcher.stop()
        leases.stop()
        close_all(sessions)
        checker.close()
        sink.close()
    log.info("worker %s has stopped", settings.worker_id)
    return 0


def _end_process(death: threading.ExceptHookArgs) -> None:
    """An agent that lacks a thread is none: leases lapse, and whoever keeps it starts another."""
    name = death.thread.name if death.thread else "unknown"
    trace = (death.exc_type, death.exc_value or death.exc_type(), death.exc_traceback)
    log.critical("the thread %s has died: ending", name, exc_info=trace)
    logging.shutdown()
    os._exit(THREAD_DIED)


if __name__ == "__main__":
    sys.exit(main())
