"""Start processes that outlive the command, know them again later, and end them: never a stranger.

A process id alone is no evidence, since ids are used again. Each record also holds when the process
started. Whatever slipped through (its starter was killed before it could record it, or a Blender whose
agent was killed) carries the farm's state folder in its environment and is found by that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from farm.local.environment import MARKER
from farm.local.state import StateFolder, read_json, write_json

_PROC = Path("/proc")
_POLL_SECONDS = 0.05
_children: list[subprocess.Popen[bytes]] = []
"""Kept, so that those which end before this process does are reaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """A process that leads its own session and group."""

    name: str
    pid: int
    started: str

    @property
    def alive(self) -> bool:
        return identify(self.pid) == self.started


def identify(pid: int) -> str | None:
    """When this process started, which tells it from any other of the same id; None if it is dead."""
    for child in _children:
        if child.pid == pid:
            child.poll()
    if not (_PROC / "self/stat").exists():
        return _identify_by_ps(pid)
    try:
        fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def spawn(command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, with its output appended to a log."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    _children[:] = [child for child in _children if child.poll() is None] + [process]
    return process


def record(state: StateFolder, name: str, pid: int) -> ProcessRecord:
    """Remember a process under a name, for a later command to find."""
    known = ProcessRecord(name=name, pid=pid, started=identify(pid) or "")
    write_json(state.processes / f"{name}.json", asdict(known))
    return known


def recorded(state: StateFolder, name: str) -> ProcessRecord | None:
    """The process of that name, if it was started and is still alive."""
    values = read_json(state.processes / f"{name}.json")
    known = ProcessRecord(**values) if values else None
    return known if known and known.alive else None


def forget(state: StateFolder, name: str) -> None:
    (state.processes / f"{name}.json").unlink(missing_ok=True)


def stop(process: ProcessRecord, *, grace_seconds: float) -> None:
    """Ask it to end; after the grace kill it, and in any case the rest of its group."""
    if not process.alive:
        return
    _signal(os.kill, process.pid, signal.SIGTERM)
    wait_until_dead([process], grace_seconds)
    kill_group(process.pid)
    wait_until_dead([process], 5)


def kill_group(pid: int) -> None:
    """Kill what is left in the group that this process leads or led.

    An id is not given again while a group of that id lives, so this meets no stranger.
    """
    _signal(os.killpg, pid, signal.SIGKILL)


def wait_until_dead(processes: Iterable[ProcessRecord], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(process.alive for process in processes) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def kill_strays(state: StateFolder, folder: Path | None = None) -> list[int]:
    """Kill what still belongs to this farm (or works in this folder of it); the ids of what was found."""
    found: list[int] = []
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        strays = list(_strays(state, folder))
        if not strays:
            break
        found += [pid for pid in strays if pid not in found]
        for pid in strays:
            _signal(os.kill, pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    for child in _children:
        child.poll()
    return found


def _strays(state: StateFolder, folder: Path | None) -> Iterator[int]:
    inside = os.fsencode(folder or state.work) + b"/"
    marker = f"{MARKER}={state.root}".encode()
    for path in _PROC.glob("[0-9]*/environ"):
        pid = int(path.parent.name)
        try:
            variables = path.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile, or belongs to someone else
            continue
        ours = folder is None and marker in variables
        if (ours or any(_lies_in(inside, v) for v in variables)) and pid != os.getpid() and identify(pid):
            yield pid


def _lies_in(inside: bytes, variable: bytes) -> bool:
    """Whether a variable names a place in our work folder. A shell's own folder is no evidence."""
    name, _, value = variable.partition(b"=")
    return name not in (b"PWD", b"OLDPWD") and (value + b"/").startswith(inside)


def _signal(send: Callable[[int, int], object], pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        send(pid, number)


def _identify_by_ps(pid: int) -> str | None:
    """For systems without /proc."""
    found = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if len(found) < 2 or found[0].startswith("Z") else found[1].strip()
