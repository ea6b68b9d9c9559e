"""What the watch beside a cage ends a Blender for, and that it holds up nobody: with real processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.small_disk import small_disk
from worker_agent.cage import Limits, watch
from worker_agent.cage.watch import Watch

SECONDS = 20.0


@contextmanager
def watched(program: str, limits: Limits, *written: Path) -> Iterator[Watch]:
    """A process that is watched from when it waits for a line, and only then does the rest."""
    command = [sys.executable, "-c", f"import os, time\ninput()\n{program}\ntime.sleep({SECONDS})"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True) as process:
        kept = Watch(process.pid, limits, written, Path("/nowhere/log"))
        try:
            assert process.stdin
            kept.begin(process.kill)
            process.stdin.write("\n")
            process.stdin.flush()
            yield kept
        finally:
            kept.end()
            process.kill()


def excess(kept: Watch) -> str:
    deadline = time.monotonic() + SECONDS
    while not kept.excess and time.monotonic() < deadline:
        time.sleep(0.02)
    return kept.excess


FAMILY = f"for _ in range(6):\n    if os.fork() == 0:\n        time.sleep({SECONDS})\n        os._exit(0)"


def test_more_processes_than_can_be_ended_end_blender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_CULL_SECONDS", 0.0)
    with watched(FAMILY.replace(str(SECONDS), "2"), Limits(processes=3)) as kept:
        assert excess(kept) == "it started more than 3 processes and went on"


def test_a_bomb_of_forks_is_ended_and_what_set_it_off_goes_on(tmp_path: Path) -> None:
    """Each child forks as well: six times over, so that the machine outlives a watch that fails."""
    bomb = (
        "parent = os.getpid()\nfor _ in range(6):\n    os.fork()\n    time.sleep(0.05)\n"
        f"if os.getpid() != parent:\n    time.sleep(3)\n    open(f'{tmp_path}/{{os.getpid()}}', 'w')\n"
        "    os._exit(0)\n"
    )
    with watched(bomb, Limits(processes=20)) as kept:
        time.sleep(4.5)
        assert kept.excess == ""
    assert len(list(tmp_path.iterdir())) <= 20, "of 63"


def test_dead_processes_that_nobody_asks_after_end_blender() -> None:
    dying = "for _ in range(40):\n    if os.fork() == 0:\n        os._exit(0)"
    with watched(dying, Limits(processes=3)) as kept:
        assert excess(kept) == "it left more than 30 dead processes lying about"


def test_many_files_that_fill_the_disk_end_blender(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes=8_000) as disk:
        filling = (
            f"for n in range(100):\n    open(f'{disk.folder}/{{n}}', 'wb').write(bytes(60_000))\n"
            "    time.sleep(0.001)\n"
        )
        with watched(filling, Limits(free_bytes=3 * 1024**2), disk.folder) as kept:
            assert "filled the disk up to the last 3 MiB" in excess(kept)


def test_a_look_that_a_file_server_holds_up_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, let_go = threading.Event(), threading.Event()

    def away(*_: object) -> tuple[int, int]:
        held.set()
        let_go.wait(SECONDS)
        return 0, 0

    monkeypatch.setattr(watch, "_written", away)
    monkeypatch.setattr(watch, "_END_SECONDS", 0.1)
    try:
        with watched("", Limits(), tmp_path) as kept:
            assert held.wait(SECONDS)
            began = time.monotonic()
            kept.end()
            assert time.monotonic() - began < SECONDS / 4
    finally:
        let_go.set()
