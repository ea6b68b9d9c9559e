"""Collects what is missing."""

from typing import Any

import bpy

from .paths import Folders, resolve

MAX_LISTED = 200
MAX_NOTES = 20


class Finder:
    """What has been found so far. `frames`: those to be rendered, None when they cannot be told.

    Files that begin like one of `made_later` are not missed: the bake makes them.
    """

    def __init__(self, frames: "list[int] | None", made_later: "tuple[str, ...]" = ()) -> None:
        self.frames = frames
        self._made_later = made_later
        self.folders = Folders()
        self.listed: list[dict[str, str]] = []
        self.count = 0
        self.notes: list[str] = []
        self._seen: set[tuple[str, str]] = set()

    def path(self, stored: str, library: Any) -> str:
        """Where a path leads that is written in this library, or in the file itself (None)."""
        return resolve(stored, self._folder(library))

    def require(self, kind: str, name: str, stored: str, library: Any) -> None:
        """One file."""
        path = self.path(stored, library)
        if not self._has(path):
            other = self.folders.has_other_case(path)
            self.add(kind, name, stored, path, f'there is "{other}", which is not the same' if other else "")

    def require_all(self, kind: str, name: str, stored: str, library: Any, paths: "list[str]") -> None:
        """Several files that one data-block stands for; `paths` are resolved."""
        missing = [path for path in paths if not self._has(path)]
        if missing:
            first = missing[0].rpartition("/")[2]
            detail = f"{len(missing)} of {len(paths)} files, such as {first}" if len(paths) > 1 else first
            self.add(kind, name, stored, self.path(stored, library), detail)

    def require_any(self, kind: str, name: str, stored: str, library: Any) -> None:
        """At least one file of a sequence whose frames cannot be told."""
        path = self.path(stored, library)
        if not self.folders.has_any_like(path) and not path.startswith(self._made_later):
            self.add(kind, name, stored, path, "not one of its files")

    def add(self, kind: str, name: str, stored: str, path: str, detail: str) -> None:
        """The same thing once, however many data-blocks lack it."""
        if (path, detail) in self._seen:
            return
        self._seen.add((path, detail))
        self.count += 1
        if len(self.listed) < MAX_LISTED:
            entry = {"kind": kind, "name": name, "path": stored, "detail": detail}
            self.listed.append({key: _text(value) for key, value in entry.items()})

    def note(self, text: str) -> None:
        if len(self.notes) < MAX_NOTES:
            self.notes.append(_text(text))

    def _has(self, path: str) -> bool:
        return path.startswith(self._made_later) or self.folders.has(path)

    def _folder(self, library: Any) -> str:
        blend = str(bpy.data.filepath)
        if library is not None:  # its path is relative to the file that was opened
            blend = resolve(library.filepath, self._folder(None))
        return blend.rpartition("/")[0]


def _text(value: str) -> str:
    """Bytes of an unknown encoding stand as halves of letters, which no record can hold."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
