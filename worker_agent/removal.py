"""Deletes folders that a stranger's script has filled: of any depth, locked or not. No link is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from worker_agent.watchdog import still_alive

_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(entry: Path) -> OSError | None:
    """Delete a folder with all that is in it, or a file, and say what hindered it first, if anything did.

    Folders in its folders become entries of its own before they are emptied, so that no depth matters. What
    cannot be deleted stays; what is gone already is fine. Each entry is a sign of life for the watchdog:
    on a file server 100,000 take minutes.
    """
    removal = _Removal()
    if entry.is_symlink() or not entry.is_dir():
        with removal.noted():
            entry.unlink()
        return removal.hindrance
    with removal.noted(), _opened(entry) as top:
        removal.empty(top)
    with removal.noted():
        entry.rmdir()
    return removal.hindrance


class _Removal:
    def __init__(self) -> None:
        self.hindrance: OSError | None = None

    @contextmanager
    def noted(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            pass
        except OSError as error:
            self.hindrance = self.hindrance or error

    def empty(self, top: int) -> None:
        stuck: set[str] = set()
        while names := set(_names(top)) - stuck:
            for name in names:
                with self.noted():
                    self._strip(name, top)
            stuck |= names  # had it gone, its name would be free; no new entry has the name of an old one

    def _strip(self, name: str, top: int) -> None:
        """Delete an entry of `top`; what folders it holds become entries of `top`."""
        still_alive()
        if not _is_folder(name, top):
            os.unlink(name, dir_fd=top)
            return
        with _opened(name, top) as folder:
            for child in _names(folder):
                with self.noted():
                    if _is_folder(child, folder):
                        _unlock(child, folder)  # a folder that moves is written to: its way up changes
                        os.rename(child, uuid4().hex, src_dir_fd=folder, dst_dir_fd=top)
                    else:
                        still_alive()
                        os.unlink(child, dir_fd=folder)
        os.rmdir(name, dir_fd=top)


@contextmanager
def _opened(folder: str | Path, parent: int | None = None) -> Iterator[int]:
    with suppress(FileNotFoundError):
        _unlock(folder, parent)
    descriptor = os.open(folder, _OPEN, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _is_folder(name: str, parent: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _unlock(name: str | Path, parent: int | None) -> None:
    mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(name, stat.S_IRWXU, dir_fd=parent)
