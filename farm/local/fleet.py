"""The laptop's stand-in for EC2 and Auto Scaling, a process of its own: `python -m farm.local.fleet`.

Every two seconds it turns the deployed scaling loop once, then starts or stops agents to match.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from botocore.exceptions import BotoCoreError, ClientError

from contract.job import timestamp
from contract.scaling import Backlog
from contract.settings import AgentSettings, BacklogSettings
from farm.local import clients, emulator, processes
from farm.local.agents import STOP_SECONDS, AgentPool
from farm.local.environment import child_environment
from farm.local.metadata import MetadataServer
from farm.local.scaler import Scaler, ScalerError
from farm.local.settings import LocalSettings, blender_folder
from farm.local.state import FarmRecord, StateFolder, write_json

NAME = "fleet"
PERIOD_SECONDS = 2.0
LEASE_SECONDS = 60
"""Shorter than on AWS: a person who kills an agent waits for its frame to be taken up again."""
IDLE_SECONDS = 5
"""Before an agent that is one too many ends itself."""
POLL_SECONDS = 1
"""A look at one queue holds up the look at the other."""

_log = logging.getLogger(NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetReport:
    """What the fleet last saw, for `farm local status` and for a person who waits."""

    at: str
    desired: int
    max_agents: int
    agents: int
    tasks: int = 0
    problem: str = ""


def main() -> int:
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    settings = LocalSettings.from_env(os.environ)
    state = StateFolder(settings.state_dir)
    farm, machine = state.read_farm(), emulator.running(state)
    if farm is None or machine is None:
        _log.error("there is no laptop farm in %s", state.root)
        return 1
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    scaler = Scaler(
        functions=clients.functions(farm.endpoint),
        scaling=clients.scaling(farm.endpoint),
        backlog_function=farm.outputs["BacklogFunctionName"],
        group=farm.outputs["WorkerGroupName"],
        patience_seconds=settings.scale_in_seconds,
    )
    metadata = MetadataServer()
    metadata.start()
    pool = AgentPool(
        state=state,
        command=[sys.executable, "-m", "worker_agent"],
        environment=AgentEnvironment(settings, state, farm, deployed_settings(farm)),
        metadata=metadata,
        tell=_log.info,
    )
    try:
        run(scaler, pool, machine, settings.max_agents, stop)
    finally:
        pool.stop_all(time.monotonic, time.sleep)
        metadata.stop()
        _log.info("every agent has ended")
    return 0


def run(
    scaler: Scaler, pool: AgentPool, machine: processes.ProcessRecord, max_agents: int, stop: Event
) -> None:
    """Turn the loop until asked to stop, or until the emulator is gone."""
    desired, problem = 0, ""
    backlog: Backlog | None = None
    while not stop.is_set():
        if not machine.alive:
            _log.error("the AWS emulator is gone: ending")
            return
        before, problem = problem, ""
        try:
            backlog, wanted = scaler.step(time.monotonic())
            if wanted != desired:
                _log.info("desired capacity %d -> %d for %d tasks", desired, wanted, backlog.tasks)
            desired = wanted
        except (ScalerError, BotoCoreError, ClientError) as error:
            problem = f"{type(error).__name__}: {error}"
        pool.step(min(desired, max_agents), time.monotonic())
        if pool.short_lives:
            problem = problem or f"the last {pool.short_lives} agents ended right after they started"
        if problem and problem != before:
            _log.error("%s", problem)
        report = FleetReport(
            at=timestamp(datetime.now(UTC)),
            desired=desired,
            max_agents=max_agents,
            agents=len(pool.at_work),
            tasks=backlog.tasks if backlog else 0,
            problem=problem,
        )
        write_json(pool.state.fleet_report, asdict(report))
        stop.wait(PERIOD_SECONDS)


def deployed_settings(farm: FarmRecord) -> BacklogSettings:
    """The farm's numbers and names, as they were deployed: the backlog function has them."""
    function = clients.functions(farm.endpoint).get_function_configuration(
        FunctionName=farm.outputs["BacklogFunctionName"]
    )
    return BacklogSettings.from_env(function["Environment"]["Variables"])


@dataclass(frozen=True, slots=True)
class AgentEnvironment:
    """What an agent's machine would tell it."""

    settings: LocalSettings
    state: StateFolder
    farm: FarmRecord
    deployed: BacklogSettings

    def __call__(self, worker_id: str, folder: Path) -> Mapping[str, str]:
        agent = AgentSettings(
            render_bucket_name=self.farm.outputs["RenderBucketName"],
            job_table_name=self.farm.outputs["JobTableName"],
            bake_queue_url=self.deployed.bake_queue_url,
            render_queue_url=self.deployed.render_queue_url,
            urgent_queue_url=self.deployed.urgent_queue_url,
            dead_letter_queue_url=self.farm.outputs["DeadLetterQueueUrl"],
            cloudwatch_namespace=self.deployed.cloudwatch_namespace,
            worker_asg_name=self.deployed.worker_asg_name,
            worker_id=worker_id,
            scratch_directory=str(self.state.scratch),
            work_directory=str(folder),
            blender_runtimes=self.farm.runtimes,
            blender_directory=str(blender_folder(os.environ)),
            lease_seconds=LEASE_SECONDS,
            poll_seconds=POLL_SECONDS,
            idle_seconds=IDLE_SECONDS,
            stop_seconds=STOP_SECONDS,
        )
        base = child_environment(os.environ, endpoint=self.farm.endpoint, state_dir=self.state.root)
        return base | agent.to_env()


if __name__ == "__main__":
    sys.exit(main())
