"""The benchmark's farm stands still, whole, while others render: real processes that have started others."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.render.agents import BenchAgents
from farm.local.state import StateFolder

_WAITS = "import sys; print(1, flush=True); sys.stdin.read()"
_STARTS_ANOTHER = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_WAITS!r}])"
_PATIENCE_SECONDS = 30.0


@pytest.fixture
def two() -> Iterator[list[subprocess.Popen[bytes]]]:
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    started = [subprocess.Popen([sys.executable, "-c", _STARTS_ANOTHER], **pipes) for _ in range(2)]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    yield started
    for process in started:
        process.communicate(timeout=_PATIENCE_SECONDS)


def test_agents_and_emulator_stand_still_with_all_they_started(
    tmp_path: Path, two: list[subprocess.Popen[bytes]]
) -> None:
    agent, emulator = two
    unused: Any = None
    agents = BenchAgents(
        state=StateFolder(tmp_path),
        environment=unused,
        emulator=emulator.pid,
        metadata=unused,
        running={"bench-1": agent},
    )
    family = [
        each
        for process in two
        for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True))
    ]
    assert len(family) == 4
    agents.pause()
    assert eventually(lambda: all(each.status() == psutil.STATUS_STOPPED for each in family))
    agents.resume()
    assert eventually(lambda: all(each.status() != psutil.STATUS_STOPPED for each in family))


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()
