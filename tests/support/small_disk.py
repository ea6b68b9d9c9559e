"""A real disk that is small, for tests of what happens when it is full or taken away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class SmallDisk:
    folder: Path
    mounted: bool = True

    def fill(self) -> Path:
        """Leave not a byte free; returns the file that holds them."""
        filler = self.folder / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(self.folder).free))
        return filler

    def take_away(self) -> None:
        """The folder stays, as a mount point does; even what is open there cannot keep it."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
            self.mounted = False


@contextmanager
def small_disk(folder: Path, *, kilobytes: int) -> Iterator[SmallDisk]:
    """Skips the test where nothing may be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={kilobytes}k,mode=700,uid={os.getuid()}"
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mount.returncode:
        pytest.skip(f"no file system can be mounted here: {mount.stderr.strip()}")
    disk = SmallDisk(folder)
    try:
        yield disk
    finally:
        disk.take_away()
