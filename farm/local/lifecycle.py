"""Bring the laptop farm up and take it down."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from contract.runtimes import format_runtimes
from farm.local import agents, blenders, clients, emulator, fleet, processes
from farm.local.deployment import deploy
from farm.local.environment import child_environment
from farm.local.mounting import mount_scratch
from farm.local.page import lifecycle as page
from farm.local.settings import ROOT, LocalSettings
from farm.local.state import FarmRecord, StateFolder
from farm.local.synthesis import fingerprint
from farm.plain_errors import PlainError

Tell = Callable[[str], object]
_NEEDED = (
    "RenderBucketName",
    "JobTableName",
    "WorkerGroupName",
    "BacklogFunctionName",
    "DeadLetterQueueUrl",
    "WorkerLogGroupName",
    "JanitorFunctionName",
    "DashboardName",
    "JobActionFunctionName",
)


class UpError(PlainError):
    """The farm could not be brought up; the message says why, and where to look."""


def find(state: StateFolder) -> FarmRecord | None:
    """The farm that is up, if one is."""
    farm = state.read_farm()
    return farm if farm and emulator.running(state) else None


def up(settings: LocalSettings, tell: Tell) -> FarmRecord:
    """Bring the farm up, or to the code as it is now. Whatever goes wrong, no half a farm is left."""
    state = StateFolder(settings.state_dir)
    with state.lock(time.sleep, lambda: tell("waiting for another `farm local up` or `down` to end")):
        runtimes = _runtimes(settings, state)  # a Blender that is none ends no farm
        try:
            return _up(settings, runtimes, state, tell)
        except BaseException:
            _down(state, lambda _: None)
            raise


def down(settings: LocalSettings, tell: Tell) -> None:
    """End every process of the farm, also those whose keeper was killed."""
    state = StateFolder(settings.state_dir)
    if not state.root.exists():
        return
    with state.lock(time.sleep, lambda: tell("waiting for another `farm local up` or `down` to end")):
        _down(state, tell)


def _runtimes(settings: LocalSettings, state: StateFolder) -> str:
    """Asking a Blender for its version takes a while: it is done once for a setting."""
    farm = find(state)
    if farm and farm.runtimes and farm.blenders == os.pathsep.join(settings.blenders):
        return farm.runtimes
    return format_runtimes(blenders.runtimes(settings.blenders, os.environ))


def _up(settings: LocalSettings, runtimes: str, state: StateFolder, tell: Tell) -> FarmRecord:
    code = f"{fingerprint()} at ${settings.hour_dollars:g} an hour"
    farm = find(state)
    if farm is None or not emulator.healthy(farm.endpoint):
        _down(state, tell)
        state.clear(keep_logs=False)
        state.prepare()
        tell("starting the AWS emulator")
        farm = FarmRecord(endpoint=emulator.start(state))
        state.write_farm(farm)
    if farm.runtimes != runtimes:
        stop_fleet(state, tell)
        farm = replace(farm, blenders=os.pathsep.join(settings.blenders), runtimes=runtimes)
        state.write_farm(farm)
    if farm.fingerprint != code:
        page.stop(state)
        stop_fleet(state, tell)
        outputs = deploy(state, farm.endpoint, tell, hour_dollars=settings.hour_dollars)
        missing = [name for name in _NEEDED if name not in outputs]
        if missing:
            raise UpError(
                f"the deployed stacks lack the outputs {', '.join(missing)}: see {state.logs}/deploy.log"
            )
        mount_scratch(clients.functions(farm.endpoint), outputs["JanitorFunctionName"], state.scratch)
        farm = replace(farm, fingerprint=code, outputs=outputs)
        state.write_farm(farm)
    if not page.running(state):
        farm = _start_page(settings, state, farm)
    if not processes.recorded(state, fleet.NAME):
        tell("starting the fleet")
        stop_fleet(state, tell)
        _start_fleet(settings, state, farm)
    try:
        page.wait(state, farm.page_url)
    except page.PageError as error:
        raise UpError(str(error)) from error
    return farm


def _start_page(settings: LocalSettings, state: StateFolder, farm: FarmRecord) -> FarmRecord:
    """It gets ready while the fleet does. Its address stays, where that can be."""
    port = urlsplit(farm.page_url).port or emulator.free_port()
    farm = replace(farm, page_url=f"http://127.0.0.1:{port}")
    state.write_farm(farm)
    page.start(settings, state, farm, port)
    return farm


def _start_fleet(settings: LocalSettings, state: StateFolder, farm: FarmRecord) -> None:
    """Start it and wait until it has turned its loop once."""
    state.fleet_report.unlink(missing_ok=True)
    log = state.logs / f"{fleet.NAME}.log"
    env = child_environment(os.environ, endpoint=farm.endpoint, state_dir=state.root) | settings.to_env()
    process = processes.spawn([sys.executable, "-m", fleet.__name__], env=env, log=log, cwd=ROOT)
    processes.record(state, fleet.NAME, process.pid)
    deadline = time.monotonic() + 60
    while not state.fleet_report.exists():
        if process.poll() is not None:
            raise UpError(f"the fleet ended at once (exit {process.returncode}): see {log}")
        if time.monotonic() > deadline:
            raise UpError(f"the fleet did not begin its work: see {log}")
        time.sleep(0.1)


def stop_fleet(state: StateFolder, tell: Tell) -> None:
    """The fleet takes its agents with it; if it was killed, they are still here."""
    keeper = processes.recorded(state, fleet.NAME)
    if keeper:
        tell("stopping the fleet")
        processes.stop(keeper, grace_seconds=agents.GRACE_SECONDS + 10)
    processes.forget(state, fleet.NAME)
    for agent in agents.running(state):
        tell(f"stopping {agent.name}")
        processes.stop(agent, grace_seconds=5)
        processes.forget(state, agent.name)
    processes.kill_strays(state, state.work)


def _down(state: StateFolder, tell: Tell) -> None:
    page.stop(state)
    stop_fleet(state, tell)
    if emulator.running(state):
        tell("stopping the AWS emulator")
    emulator.end(state)
    processes.kill_strays(state)
    state.clear(keep_logs=True)
    for record in state.processes.glob("*.json"):
        record.unlink(missing_ok=True)
