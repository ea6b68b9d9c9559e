"""Processor seconds, user's and system's, of whoever works for a farm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import psutil

AGENT: Final = "agent"
DECODER: Final = "decoder"
EMULATOR: Final = "emulator"
BLENDER: Final = "blender"

Snapshot = Mapping[tuple[str, int], float]
"""By role and process."""


def snapshot(agents: list[int], emulator: int) -> Snapshot:
    """What each process has used so far, children that it has buried included."""
    found: dict[tuple[str, int], float] = {}
    for pid in agents:
        for process in _family(pid):
            found[_role(process, pid), process.pid] = _seconds(process, buried=process.pid != pid)
    for process in _family(emulator):
        found[EMULATOR, process.pid] = _seconds(process, buried=True)
    return found


def used(before: Snapshot, after: Snapshot) -> dict[str, float]:
    """Between two snapshots, by role; of a process that ended in between nothing is known."""
    sums: defaultdict[str, float] = defaultdict(float)
    for (role, pid), seconds in after.items():
        sums[role] += seconds - before.get((role, pid), 0.0)
    return dict(sums)


def family(pid: int) -> list[int]:
    """A process and all that it has started and are left."""
    return [process.pid for process in _family(pid)]


def _family(pid: int) -> Iterator[psutil.Process]:
    try:
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)
    except psutil.NoSuchProcess:
        return


def _role(process: psutil.Process, agent: int) -> str:
    if process.pid == agent:
        return AGENT
    try:
        return DECODER if any("decoder" in part for part in process.cmdline()) else BLENDER
    except psutil.Error:
        return BLENDER


def _seconds(process: psutil.Process, *, buried: bool) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    own = float(times.user + times.system)
    return own + float(times.children_user + times.children_system) if buried else own
