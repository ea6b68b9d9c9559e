"""A process and those that come of it, from /proc."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_MEMORY: Final = ("RssAnon:", "RssShmem:", "VmSwap:")
"""Lines of /proc/<pid>/status, in kilobytes."""
_READ_BYTES: Final = 64 * 1024


def descendants(pid: int) -> list[int]:
    """Children, grandchildren, … of a process, from /proc (empty where there is none)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # "pid (name) state ppid …": the name may hold spaces and brackets
            ppid = int(entry.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(ppid, []).append(int(entry.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def close_family(pid: int) -> list[int]:
    """The same, quickly: for looking often. All that a cage holds, for there an orphan's parent is in it."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    """By the plainest calls: each thread has a file of its own, and cages are looked at often."""
    found: list[int] = []
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/task") as tasks:  # it may have ended
        for task in tasks:
            with contextlib.suppress(OSError):
                found += map(int, _content(f"{task.path}/children").split())
    return found


def _content(path: str) -> bytes:
    content = b""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while part := os.read(file, _READ_BYTES):  # the kernel gives a page at a time
            content += part
    finally:
        os.close(file)
    return content


def living(pids: list[int]) -> list[int]:
    """Those that are not dead and merely waited for."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
    return found


def memory_bytes(pids: list[int]) -> int:
    """Memory that they have, swapped out or not, without the files that they have mapped."""
    return sum(map(_memory_bytes, pids))


def forget_peaks(pids: Iterable[int]) -> None:
    """Have `peak_memory_bytes` tell of the time from now on (proc(5), clear_refs)."""
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended; or it tells of all its life, which is no less
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_memory_bytes(pids: Iterable[int]) -> int:
    """The most that each of them has had, as `memory_bytes` counts it, together."""
    return sum(map(_peak_memory_bytes, pids))


def _memory_bytes(pid: int) -> int:
    return _sum_bytes(_status(pid), _MEMORY)


def _peak_memory_bytes(pid: int) -> int:
    status = _status(pid)
    peak_bytes = _sum_bytes(status, ("VmHWM:", "VmSwap:")) - _sum_bytes(status, ("RssFile:",))
    return max(peak_bytes, _sum_bytes(status, _MEMORY))


def _status(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/status").read_text().splitlines()
    return []


def _sum_bytes(status: list[str], names: tuple[str, ...]) -> int:
    with contextlib.suppress(ValueError, IndexError):
        return sum(int(line.split()[1]) * 1024 for line in status if line.startswith(names))
    return 0


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time that they have taken so far; 0 for those that have ended."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # utime, stime
    return ticks / os.sysconf("SC_CLK_TCK")
