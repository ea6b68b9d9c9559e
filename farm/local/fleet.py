"""The laptop's stand-in for EC2 and Auto Scaling, a process of its own: `python -m farm.local.fleet`.

Every so often, a minute of AWS, it turns the deployed scaling loop once. In between it makes the agents as
many as the deployed group wants, whoever set that: the policies, an agent that ended itself, or a person.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from botocore.exceptions import BotoCoreError, ClientError

from contract.job import timestamp
from contract.settings import AgentSettings, BacklogSettings, Cage
from farm.local import clients, emulator, processes
from farm.local.agents import STOP_SECONDS, AgentPool
from farm.local.cage import cage_here
from farm.local.environment import child_environment
from farm.local.group import DeployedGroup, GroupMissingError
from farm.local.machines import Machines
from farm.local.metadata import MetadataServer
from farm.local.policies import PolicyError
from farm.local.scaler import Scaler, ScalerError
from farm.local.settings import LocalSettings, blender_folder
from farm.local.state import FarmRecord, StateFolder, write_json

NAME = "fleet"
LOOK_SECONDS = 0.5
"""From one look at the agents and the desired capacity to the next."""
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
    agents: Mapping[str, str] = field(default_factory=dict)
    """What each is, by its worker id: protected, idle or going."""
    wanted: int = 0
    """Workers that the backlog wants, whatever this computer can have."""
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
    fleet = assemble(settings, state, farm)
    fleet.pool.metadata.start()
    try:
        fleet.run(machine, stop)
    finally:
        fleet.pool.stop_all(time.monotonic, time.sleep)
        fleet.pool.metadata.stop()
        _log.info("every agent has ended")
    return 0


def assemble(settings: LocalSettings, state: StateFolder, farm: FarmRecord) -> Fleet:
    """Put the parts together."""
    group = DeployedGroup(clients.scaling(farm.endpoint), farm.outputs["WorkerGroupName"], _log.info)
    scaler = Scaler(
        functions=clients.functions(farm.endpoint),
        scaling=clients.scaling(farm.endpoint),
        cloudwatch=clients.metrics(farm.endpoint),
        backlog_function=farm.outputs["BacklogFunctionName"],
        group=group,
        max_agents=settings.max_agents,
    )
    pool = AgentPool(
        state=state,
        command=[sys.executable, "-m", "worker_agent"],
        environment=AgentEnvironment(settings, state, farm, deployed_settings(farm), cage_here().kind),
        metadata=MetadataServer(Machines(), group),
        tell=_log.info,
        max_agents=settings.max_agents,
        new_are_protected=group.read().protects_new,
    )
    return Fleet(scaler, group, pool, settings.minute_seconds)


@dataclass(slots=True)
class Fleet:
    """The scaling loop and the agents, turned by one thread."""

    scaler: Scaler
    group: DeployedGroup
    pool: AgentPool
    minute_seconds: float
    measure_at: float = float("-inf")
    report: FleetReport = field(default_factory=lambda: FleetReport(at="", desired=0, max_agents=0))

    def run(self, machine: processes.ProcessRecord, stop: Event) -> None:
        """Turn until asked to stop, or until the emulator is gone."""
        while not stop.is_set():
            if not machine.alive:
                _log.error("the AWS emulator is gone: ending")
                return
            before = self.report.problem
            self.turn(time.monotonic())
            if self.report.problem and self.report.problem != before:
                _log.error("%s", self.report.problem)
            write_json(self.pool.state.fleet_report, asdict(self.report))
            stop.wait(LOOK_SECONDS)

    def turn(self, now: float) -> None:
        """One look. What does not answer is a problem on the report, and everything stays as it is."""
        problem = self._measure(now) if now >= self.measure_at else self.report.problem
        with self.group.lock:
            try:
                desired = self.group.read().desired
            except (GroupMissingError, BotoCoreError, ClientError) as error:
                desired, problem = self.group.last_desired, _words(error)
            self.pool.step(desired, now)
        if self.pool.short_lives:
            problem = problem or f"the last {self.pool.short_lives} agents ended right after they started"
        self.report = replace(
            self.report,
            at=timestamp(datetime.now(UTC)),
            desired=desired,
            max_agents=self.pool.max_agents,
            agents={view.worker_id: view.condition for view in self.pool.metadata.machines.views()},
            problem=problem,
        )

    def _measure(self, now: float) -> str:
        """Turn the deployed loop once; what went wrong."""
        self.measure_at = now + self.minute_seconds
        try:
            backlog = self.scaler.step()
        except (ScalerError, PolicyError, GroupMissingError, BotoCoreError, ClientError) as error:
            return _words(error)
        self.report = replace(self.report, wanted=backlog.wanted_workers, tasks=backlog.tasks)
        return ""


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


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
    cage: Cage = Cage.BUBBLEWRAP

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
            blender_sessions=self.settings.blender_sessions,
            worker_version=self.deployed.worker_version,
            deploy_version=self.deployed.deploy_version,
            cage=self.cage,
            log_group_name=self.farm.outputs["WorkerLogGroupName"],
            worker_hour_dollars=self.deployed.worker_hour_dollars,
            stop_seconds=STOP_SECONDS,
        )
        base = child_environment(os.environ, endpoint=self.farm.endpoint, state_dir=self.state.root)
        return base | agent.to_env()


if __name__ == "__main__":
    sys.exit(main())
