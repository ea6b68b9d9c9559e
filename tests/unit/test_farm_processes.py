"""Real child processes: all of ours end, a stranger's never."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from farm.local import processes
from farm.local.environment import MARKER
from farm.local.state import StateFolder

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess, sys, time; "
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(p.pid, flush=True); time.sleep(60)"
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    state = StateFolder(tmp_path)
    state.prepare()
    yield state
    processes.kill_strays(state)


def start(state: StateFolder, program: str, **more: str) -> processes.ProcessRecord:
    log = state.logs / "child.log"
    env = {"PATH": os.environ["PATH"], MARKER: str(state.root), **more}
    child = processes.spawn([sys.executable, "-c", program], env=env, log=log, cwd=state.root)
    wait_for(lambda: log.read_text() != "")
    return processes.record(state, "child", child.pid)


def wait_for(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_process_is_found_again_and_ends_when_asked(state: StateFolder) -> None:
    child = start(state, SLEEP)
    assert processes.recorded(state, "child") == child
    began = time.monotonic()
    processes.stop(child, grace_seconds=20)
    assert time.monotonic() - began < 5
    assert not child.alive
    assert processes.recorded(state, "child") is None


def test_one_that_does_not_listen_is_killed(state: StateFolder) -> None:
    child = start(state, STUBBORN)
    processes.stop(child, grace_seconds=0.3)
    assert not child.alive


def test_its_children_end_with_it(state: StateFolder) -> None:
    child = start(state, PARENT)
    grandchild = int((state.logs / "child.log").read_text())
    processes.stop(child, grace_seconds=5)
    wait_for(lambda: processes.identify(grandchild) is None)


def test_a_reused_id_is_a_stranger(state: StateFolder) -> None:
    child = start(state, SLEEP)
    stranger = replace(child, started="1")
    assert not stranger.alive
    processes.stop(stranger, grace_seconds=0)
    assert child.alive


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        wait_for(lambda: processes.identify(child.pid) is None)
    finally:
        child.wait()


def test_strays_are_found_by_the_farms_mark(
    state: StateFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As after the fleet was killed: nobody knows the process any more."""
    other = StateFolder(tmp_path_factory.mktemp("other"))
    other.prepare()
    ours, theirs = start(state, SLEEP), start(other, SLEEP)
    try:
        assert processes.kill_strays(state) == [ours.pid]
        assert not ours.alive
        assert theirs.alive
    finally:
        processes.kill_strays(other)


def test_a_blender_without_the_mark_is_found_by_its_work_folder(state: StateFolder) -> None:
    blender = start(state, SLEEP, **{MARKER: "", "TMPDIR": str(state.work / "local-1")})
    neighbour = start(state, SLEEP, **{MARKER: "", "TMPDIR": str(state.work / "local-12")})
    shell = start(state, SLEEP, **{MARKER: "", "PWD": str(state.work / "local-1")})
    assert processes.kill_strays(state, state.work / "local-1") == [blender.pid]
    assert neighbour.alive
    processes.kill_strays(state)
    assert not neighbour.alive
    assert shell.alive
    processes.stop(shell, grace_seconds=5)
