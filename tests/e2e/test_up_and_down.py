"""The laptop farm comes and goes without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from farm.local import agents, emulator, processes
from tests.e2e.laptop import LaptopFarm, processes_of


def wait_for(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_life(folder: LaptopFarm, scene: Path) -> None:
    """Up, up again, Ctrl-C while it renders, its keeper killed, down: nothing is left."""
    code, said = folder.run("up")
    assert code == 0, said
    endpoint = folder.record.endpoint
    began = time.monotonic()
    code, said = folder.run("up", "--json")
    assert (code, "deploying" in said) == (0, False)
    assert time.monotonic() - began < 5
    assert json.loads(said.splitlines()[-1])["endpoint"] == folder.record.endpoint == endpoint

    with folder.start("render", str(scene), "--samples", "4000", "--resolution-percentage", "1000") as render:
        wait_for(lambda: any("blender" in line or "session" in line for line in processes_of(folder.state)))
        render.send_signal(signal.SIGINT)
        said, _ = render.communicate(timeout=20)
    assert render.returncode == 130
    assert "goes on" in said
    (job,) = folder.farm.records.latest_jobs(5)
    assert not job.state.ended
    assert agents.running(folder.state)

    fleet = processes.recorded(folder.state, "fleet")
    assert fleet
    os.kill(fleet.pid, signal.SIGKILL)
    for agent in agents.running(folder.state):
        os.kill(agent.pid, signal.SIGKILL)
    assert emulator.running(folder.state)
    code, said = folder.run("down")
    assert code == 0, said
    assert processes_of(folder.state) == []
    assert not folder.state.scratch.exists()
    assert folder.run("status")[1].startswith("the laptop farm is down")
    for command in ("status", "down"):
        assert json.loads(folder.run(command, "--json")[1]) == {"up": False}


def test_the_fleet_ends_when_the_emulator_is_gone(folder: LaptopFarm) -> None:
    code, said = folder.run("up")
    assert code == 0, said
    machine = emulator.running(folder.state)
    assert machine
    os.killpg(machine.pid, signal.SIGKILL)
    wait_for(lambda: processes.recorded(folder.state, "fleet") is None)
    wait_for(lambda: processes_of(folder.state) == [])


def test_an_up_that_fails_leaves_nothing(folder: LaptopFarm) -> None:
    """The app refuses a variable, when the emulator already runs."""
    program = (
        "from farm.cli import main; from farm.local import deployment; "
        "deployment.LAPTOP_IMAGE = 'nonsense'; main()"
    )
    command = [sys.executable, "-c", program, "local", "up"]
    done = subprocess.run(command, env=folder.env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "blender_node_image_id" in done.stderr
    assert str(folder.state.logs / "deploy.log") in done.stderr
    assert "Traceback" not in done.stderr
    assert processes_of(folder.state) == []
    assert folder.state.read_farm() is None


def test_a_folder_that_cannot_be_used_is_named(folder: LaptopFarm) -> None:
    folder.state.root.write_text("a file in the way")
    code, said = folder.run("up")
    folder.state.root.unlink()
    assert code == 1
    assert str(folder.state.root) in said
    assert "Traceback" not in said


def test_ctrl_c_while_it_comes_up_leaves_nothing(folder: LaptopFarm) -> None:
    with folder.start("up") as process:
        wait_for(lambda: any("aws-cdk" in line for line in processes_of(folder.state)))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert processes_of(folder.state) == []


def test_ctrl_c_at_the_very_start_of_a_deploy_does_not_wait_for_its_watchdog(folder: LaptopFarm) -> None:
    """It came between the watchdog's start and the `try` that ends it: `up` hung for a quarter of an hour."""
    program = """
import threading
from farm.cli import main
start = threading.Timer.start
def interrupted(timer):
    start(timer)
    raise KeyboardInterrupt
threading.Timer.start = interrupted
main()
"""
    command = [sys.executable, "-c", program, "local", "up"]
    done = subprocess.run(command, env=folder.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 130, done.stderr
    assert processes_of(folder.state) == []
