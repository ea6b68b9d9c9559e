"""Folders by descriptor: what is looked at, moved, deleted is the thing itself, never what a link names."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

_END_OF_TIME: Final = 253_402_300_799
"""The last second that Python can name; a file system knows later ones."""
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder. Every name is one of an entry right inside it."""

    descriptor: int

    @contextmanager
    def open(self, name: str) -> Iterator[Folder]:
        """A folder in this one. Raises OSError for a link, whatever it names."""
        descriptor = os.open(name, _OPEN, dir_fd=self.descriptor)
        try:
            yield Folder(descriptor)
        finally:
            os.close(descriptor)

    def is_folder(self, name: str) -> bool:
        """Whether a folder has this name. Not so what is gone, nor a link to a folder."""
        try:
            return stat.S_ISDIR(self._look_at(name).st_mode)
        except FileNotFoundError:
            return False

    def names(self, most: int | None = None) -> list[str]:
        """Names in this folder, at most so many."""
        with os.scandir(self.descriptor) as entries:
            return [entry.name for entry in islice(entries, most)]

    def make(self, name: str) -> None:
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=self.descriptor)

    def changed_at(self, name: str) -> datetime:
        """The newest change of a folder in this one, and of what lies right in it."""
        newest = self._look_at(name).st_mtime
        with self.open(name) as inside:
            for child in inside.names():
                newest = max(newest, inside._look_at(child).st_mtime)
        return datetime.fromtimestamp(min(max(newest, 0), _END_OF_TIME), UTC)

    def move(self, name: str, to: Folder, new_name: str) -> None:
        """Rename in one step. Raises OSError, and the move is not done."""
        try:
            os.rename(name, new_name, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)
        except PermissionError:
            self.unlock(name)  # a folder that moves is written to: its way up changes
            os.rename(name, new_name, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)

    def unlock(self, name: str) -> None:
        """Let this process read and write a folder of its own that was locked."""
        mode = self._look_at(name).st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(name, stat.S_IRWXU, dir_fd=self.descriptor)

    def delete_file(self, name: str) -> None:
        """Delete a file or a link."""
        os.unlink(name, dir_fd=self.descriptor)

    def delete_empty(self, name: str) -> None:
        os.rmdir(name, dir_fd=self.descriptor)

    def _look_at(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)


@contextmanager
def open_root(path: str) -> Iterator[Folder]:
    """The folder at a path, itself no link."""
    descriptor = os.open(path, _OPEN)
    try:
        yield Folder(descriptor)
    finally:
        os.close(descriptor)
