"""What the machine says of its processors, its memory and its disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psutil

from contract.metrics import CPU_PERCENT, DISK_PERCENT, MEMORY_PERCENT
from worker_agent.host.machine import nearest_existing


class Host:
    """`disk` is any folder on the disk to look at. The shared file system is none: it has no end."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        psutil.cpu_percent()  # from here on it knows since when

    def read(self) -> Mapping[str, list[float]]:
        """Percent in use, by the names of the metrics; of the processors, since the last read."""
        return {
            CPU_PERCENT: [psutil.cpu_percent()],
            MEMORY_PERCENT: [psutil.virtual_memory().percent],
            DISK_PERCENT: [psutil.disk_usage(str(nearest_existing(self._disk))).percent],
        }
