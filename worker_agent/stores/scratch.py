"""A job's folder on the file system that all workers share."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import uuid4

from contract.keys import JOBS_FOLDER, TRASH_FOLDER, scratch_folder
from worker_agent.removal import remove

log = logging.getLogger(__name__)


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
            self._throw_away(leftover)
        baking = folder / f"baking-{token}"
        baking.mkdir(parents=True)  # the janitor may just have taken the folder of a job that lives again
        return baking

    def published_name(self, token: str) -> str:
        """Of the folder that a baker's project will be."""
        return f"baked-{token}"

    def publish(self, job_id: str, token: str) -> str:
        """Give a prepared project the name that goes on the record; returns that name."""
        name = self.published_name(token)
        (self._folder(job_id) / f"baking-{token}").rename(self._folder(job_id) / name)
        return name

    def drop_bake(self, job_id: str, token: str) -> None:
        """Clear away what a baker prepared of a job that is not wanted any more."""
        self._throw_away(self._folder(job_id) / f"baking-{token}")

    def baked(self, job_id: str, name: str) -> Path:
        return self._folder(job_id) / name

    def has_lost(self, job_id: str, name: str) -> bool:
        """Whether a published project is not there, though the file system that should have it is."""
        return (self._root / JOBS_FOLDER).is_dir() and not self.baked(job_id, name).is_dir()

    def clear(self, job_id: str) -> None:
        """Remove all that a job has here; nothing there is fine."""
        self._throw_away(self._folder(job_id))

    def _throw_away(self, folder: Path) -> None:
        """Take a folder's name from it in one step, so that nobody ever sees half of it there, and delete it.

        What cannot be deleted now is the janitor's.
        """
        trash = self._root / TRASH_FOLDER / f"{folder.name}.{uuid4().hex}"
        try:
            trash.parent.mkdir(exist_ok=True)
            folder.rename(trash)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("could not clear %s: %s", folder, error)
            return
        remove(trash)

    def _folder(self, job_id: str) -> Path:
        return self._root / scratch_folder(job_id)
