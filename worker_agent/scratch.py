"""A job's folder on the file system that all workers share."""

from __future__ import annotations

import shutil
from pathlib import Path

from contract.keys import scratch_folder


class Scratch:
    """Folders `jobs/<job_id>/`; a project is prepared in one of its own and published by one rename."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def begin_bake(self, job_id: str, token: str) -> Path:
        """An empty folder for one baker; what dead bakers left behind is cleared away.

        A renderer never looks into it: its name is on no record.
        """
        folder = self._folder(job_id)
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("baking-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        baking = folder / f"baking-{token}"
        baking.mkdir()
        return baking

    def publish(self, job_id: str, token: str) -> str:
        """Give a prepared project the name that goes on the record; returns that name."""
        name = f"baked-{token}"
        (self._folder(job_id) / f"baking-{token}").rename(self._folder(job_id) / name)
        return name

    def baked(self, job_id: str, name: str) -> Path:
        return self._folder(job_id) / name

    def clear(self, job_id: str) -> None:
        """Remove all that a job has here; nothing there is fine."""
        shutil.rmtree(self._folder(job_id), ignore_errors=True)

    def _folder(self, job_id: str) -> Path:
        return self._root / scratch_folder(job_id)
