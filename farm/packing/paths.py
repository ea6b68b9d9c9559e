"""Paths as a .blend has them, and the files that they stand for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_DRIVE: Final = re.compile(r"([A-Za-z]):/")
_LAST_NUMBER: Final = re.compile(r"(.*?)\d+(\D*)", re.DOTALL)
_NUMBER_AT_THE_END: Final = re.compile(r"(.*?)\d+()", re.DOTALL)
_FIRST_TILE: Final = 1001


def locate(stored: str, folder: Path) -> Path:
    """The file that Blender would open; `folder` is that of the .blend which has the path.

    Backslashes and drives are led to where Blender looks on this system.
    """
    path = stored.replace("\\", "/")
    if stored.startswith("//"):
        return Path(os.path.normpath(folder / path[2:].lstrip("/")))
    drive = _DRIVE.match(path)
    if drive and os.name != "nt":
        path = f"/{drive[1].lower()}/{path[3:]}"
    return Path(os.path.normpath(folder / path))


def is_relative(stored: str) -> bool:
    """Whether the path leads to the same place wherever the .blend is."""
    return stored.startswith("//")


def relative(file: Path, folder: Path) -> str:
    """The path of a file as a .blend in that folder should have it."""
    return "//" + Path(os.path.relpath(file, folder)).as_posix()


class Disk:
    """What is there. Each folder is listed once: a sequence has many files."""

    def __init__(self) -> None:
        self._names: dict[Path, tuple[str, ...]] = {}

    def has(self, path: Path) -> bool:
        try:
            return path.is_file()
        except (OSError, ValueError):  # a name that no file can have
            return False

    def numbered(self, path: Path, *, only_at_the_end: bool) -> list[Path]:
        """All files of a numbered sequence, whatever their numbers.

        The number is the last one in the name; volumes and caches only count by one at its end, and are
        a single file otherwise.
        """
        dot = path.name.rfind(".")
        stem, extension = (path.name[:dot], path.name[dot:]) if dot > 0 else (path.name, "")
        match = (_NUMBER_AT_THE_END if only_at_the_end else _LAST_NUMBER).fullmatch(stem)
        if match is None and only_at_the_end:
            return [path] if self.has(path) else []
        before, after = (match[1], match[2]) if match else (stem, "")
        pattern = re.compile(re.escape(before) + r"\d*" + re.escape(after + extension))
        return [path.parent / name for name in self._list(path.parent) if pattern.fullmatch(name)]

    def matching(self, folder: Path, pattern: re.Pattern[str]) -> list[Path]:
        """Files in a folder, not below it."""
        return [folder / name for name in self._list(folder) if pattern.fullmatch(name)]

    def below(self, folder: Path, first: re.Pattern[str] | None = None) -> list[Path]:
        """Every file under a folder; with `first`, only in folders directly in it that are called so."""
        found: list[Path] = []
        for at, folders, names in os.walk(folder):
            if first is not None and Path(at) == folder:
                folders[:] = [name for name in folders if first.fullmatch(name)]
                continue
            folders.sort()
            found += [Path(at, name) for name in sorted(names)]
        return [path for path in found if self.has(path)]

    def _list(self, folder: Path) -> tuple[str, ...]:
        if folder not in self._names:
            try:
                with os.scandir(folder) as entries:
                    self._names[folder] = tuple(sorted(entry.name for entry in entries if entry.is_file()))
            except (OSError, ValueError):
                self._names[folder] = ()
        return self._names[folder]


def tiles(path: Path, numbers: Iterable[int]) -> list[Path]:
    """The files of UDIM tiles."""
    return [path.with_name(_tile(path.name, number)) for number in numbers]


def _tile(name: str, number: int) -> str:
    across, up = (number - _FIRST_TILE) % 10 + 1, (number - _FIRST_TILE) // 10 + 1
    return name.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{across}_v{up}")
