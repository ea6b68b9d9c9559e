"""One path in a .blend, and the files that it asks the disk for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from farm.packing.blend_file import Field, Item
from farm.packing.paths import Disk, locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Files that one data-block asks for by one path."""

    kind: str
    name: str
    """Of the data-block."""
    field: Field
    files: tuple[Path, ...]
    """Those that are there."""
    missing: str = ""
    """What is not there, in words; empty when nothing is."""
    shows: bool = True
    """Whether a picture depends on it."""
    anchor: Path | None = None
    """What the path leads to, be it a file, a pattern or a folder."""
    asks_for: str = ""
    """The path with what is missing first, where that is more than the field says."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader is: at one struct of one .blend."""

    item: Item
    owner: str
    folder: Path
    disk: Disk

    def one(self, kind: str, field: Field | None, *, optional: bool = False) -> Iterator[Need]:
        """A single file."""
        if field is None:
            return
        path = locate(field.text, self.folder)
        there = bool(field.text) and self.disk.has(path)
        yield self.need(
            kind, field, [path] if there else [], "" if there else "not there", shows=not optional
        )

    def several(
        self, kind: str, field: Field | None, files: list[Path], *, optional: bool = False
    ) -> Iterator[Need]:
        """As many as there are, one at least."""
        if field is not None:
            missing = "" if files or optional else "not one of its files"
            yield self.need(kind, field, files, missing)

    def counted(self, kind: str, field: Field, *, only_at_the_end: bool) -> Iterator[Need]:
        path = locate(field.text, self.folder)
        yield from self.several(
            kind, field, self.disk.numbered(path, only_at_the_end=only_at_the_end) if field.text else []
        )

    def need(self, kind: str, field: Field, files: list[Path], missing: str, *, shows: bool = True) -> Need:
        return Need(
            kind=kind,
            name=self.owner,
            field=field,
            files=tuple(files),
            missing=missing,
            shows=shows,
            anchor=locate(field.text, self.folder) if field.text else None,
        )
