"""The folders of one Blender on this machine, gone with it."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from worker_agent.removal import remove

log = logging.getLogger(__name__)


class Cell:
    """`home` and `frames` are Blender's to write; the log beside them is written through the agent's file.

    Each Blender has a folder with a new name: should one leave something that cannot be deleted, the next is
    not held up by it.
    """

    def __init__(self, place: Path) -> None:
        """`place` is for cells alone: whatever else is in it is cleared away with them."""
        self._place = place
        self.folder = place / "none"

    @property
    def home(self) -> Path:
        """Its home and temporary folder."""
        return self.folder / "home"

    @property
    def frames(self) -> Path:
        return self.folder / "frames"

    @property
    def shown(self) -> Path:
        """Where a spare Blender's hatch is, once it is made; the agent's to write."""
        return self.folder / "shown"

    @property
    def log(self) -> Path:
        """Outside of what it may write: in its place it could leave a link to a file of the agent's."""
        return self.folder / "blender.log"

    def make(self) -> None:
        """Raises OSError when this machine has no room for it: no scene is to blame for that."""
        self.clear()
        self.folder = self._place / uuid4().hex
        self.home.mkdir(parents=True)
        self.frames.mkdir()

    def new_frames_folder(self) -> Path:
        """An empty folder for what a task's frames produce.

        Raises OSError, also when a script has locked the folder that it is to lie in.
        """
        folder = self.frames / uuid4().hex
        folder.mkdir()
        return folder

    def clear(self) -> None:
        """Remove this cell, and what earlier ones have left. Never raises: what stays is tried again."""
        with suppress(FileNotFoundError, NotADirectoryError):
            for leftover in self._place.iterdir():
                if hindrance := remove(leftover):
                    log.warning("could not clear %s: %s", leftover, hindrance)
