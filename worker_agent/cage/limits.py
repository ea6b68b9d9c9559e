"""What a caged Blender may use up. The kernel keeps what it can; the rest is watched (`watch`)."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOM_FOR_OTHERS_BYTES: Final = 256 * 1024**2


def machine_memory_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Memory and swap of this machine, from /proc/meminfo (kilobytes there)."""
    sizes = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    return sum(int(sizes[name].split()[0]) * 1024 for name in ("MemTotal", "SwapTotal"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Generous: they stop what would take the machine down, not what is merely large."""

    processes: int = 256
    """At a time, Blender's own among them."""
    threads: int = 8_192
    """Of all its processes; a Blender has some for each core."""
    file_bytes: int = 64 * 1024**3
    """Of one file: a bake's cache may be large."""
    written_bytes: int = 200 * 1024**3
    """Of all that it has written and not removed; the disk's own limit comes before that on most."""
    free_bytes: int = 64 * 1024**2
    """What must be left on the disk that it writes to, for the agent to go on."""
    memory_bytes: int = 0
    """Of all its processes; 0: nearly all that the machine has."""

    @property
    def most_memory_bytes(self) -> int:
        return self.memory_bytes or machine_memory_bytes() - _ROOM_FOR_OTHERS_BYTES

    def impose(self, pids: list[int]) -> None:
        """Have the kernel keep these processes, and those that they start, within the limits.

        From outside, and before they have seen a stranger's file. That of threads does not bind root.
        """
        for pid in pids:
            for kind, limit in (
                (resource.RLIMIT_CORE, 0),
                (resource.RLIMIT_FSIZE, self.file_bytes),
                (resource.RLIMIT_NPROC, self.threads),
                (resource.RLIMIT_DATA, self.most_memory_bytes),
            ):
                with suppress(ProcessLookupError):
                    _, hard = resource.prlimit(pid, kind)
                    bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
                    resource.prlimit(pid, kind, (bound, bound))


def free_bytes(folder: Path) -> int:
    """Left for this user on the folder's disk."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
