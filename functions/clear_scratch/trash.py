"""Deletes what is in the trash, piece by piece: a run that ends anywhere leaves less for the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from functions.clear_scratch.folder import Folder

log = logging.getLogger(__name__)

AT_ONCE: Final = 1_000
"""Entries of a folder that are looked at together: one may hold a million."""


class Trash:
    """A folder in the trash is emptied of files, and the folders in it become entries of the trash.

    So no depth of folders matters, nothing need be remembered, and no folder is held open but one.
    """

    def __init__(self, folder: Folder, out_of_time: Callable[[], bool]) -> None:
        self._folder = folder
        self._out_of_time = out_of_time
        self._stuck: set[str] = set()
        self.deleted = 0
        """Files and folders that are gone."""

    def add(self, name: str, source: Folder) -> None:
        """Take an entry of a folder. Raises OSError, and it stays there."""
        source.move(name, self._folder, uuid4().hex)

    def empty(self) -> bool:
        """Delete everything; False when the time was out before. What will not go is logged and left."""
        while names := [name for name in self._folder.names() if name not in self._stuck]:
            for name in names:
                if self._out_of_time():
                    return False
                self._delete(name)
        return True

    def _delete(self, name: str) -> None:
        try:
            if not self._folder.is_folder(name):
                self._folder.delete_file(name)
            elif self._strip(name):
                self._folder.delete_empty(name)
            else:
                return  # the time is out
            self.deleted += 1
        except OSError as error:
            self._stuck.add(name)
            if not isinstance(error, FileNotFoundError):  # its worker, or another janitor, was quicker
                log.warning("could not delete %r in the trash: %s", name, error)

    def _strip(self, name: str) -> bool:
        """Take everything out of a folder; False when the time was out before. Raises OSError."""
        self._folder.unlock(name)
        stuck: dict[str, OSError] = {}
        with self._folder.open(name) as folder:
            while children := [child for child in folder.names(AT_ONCE) if child not in stuck]:
                for child in children:
                    if self._out_of_time():
                        return False
                    try:
                        self._take_out(child, folder)
                    except OSError as error:  # the others are worth a try
                        stuck[child] = error
        for hindrance in stuck.values():
            if not isinstance(hindrance, FileNotFoundError):
                raise hindrance
        return True

    def _take_out(self, child: str, folder: Folder) -> None:
        if folder.is_folder(child):
            self.add(child, folder)
        else:
            folder.delete_file(child)
            self.deleted += 1
