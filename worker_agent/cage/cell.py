"""The folders of one Blender on this machine, gone with it."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Cell:
    """`home` and `frames` are Blender's to write; the log beside them is written through the agent's file."""

    folder: Path

    @property
    def home(self) -> Path:
        """Its home and temporary folder."""
        return self.folder / "home"

    @property
    def frames(self) -> Path:
        return self.folder / "frames"

    @property
    def log(self) -> Path:
        """Outside of what it may write: in its place it could leave a link to a file of the agent's."""
        return self.folder / "blender.log"

    def make(self) -> None:
        self.clear()
        self.home.mkdir(parents=True)
        self.frames.mkdir()

    def new_frames_folder(self) -> Path:
        """An empty folder for what a task's frames produce."""
        folder = self.frames / uuid4().hex
        folder.mkdir()
        return folder

    def clear(self) -> None:
        with suppress(RecursionError):  # a scene may nest folders deeper than this goes
            shutil.rmtree(self.folder, ignore_errors=True)
