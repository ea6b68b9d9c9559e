"""Paths as Blender writes them, and what is there."""

import os
import re

_DRIVE = re.compile(r"([A-Za-z]):/")
_LAST_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_NUMBER_AT_THE_END = re.compile(r"(.*?)(\d+)()", re.DOTALL)
_UDIM_FIRST = 1001


def resolve(stored: str, folder: str) -> str:
    """The path that Blender would open; `folder` is that of the .blend which has the path.

    `//` stands for that folder; both of Windows' habits, backslashes and drives, are led to where
    Blender looks on Linux.
    """
    path = stored.replace("\\", "/")
    if stored.startswith("//"):
        return os.path.normpath(f"{folder}/{path[2:]}")
    drive = _DRIVE.match(path)
    return f"/{drive[1].lower()}/{path[3:]}" if drive else path


def numbered(path: str, number: int, only_at_the_end: bool = False) -> str:
    """The path with its number (the last in the file's name) replaced; without one, with it added.

    Volumes and caches only count by a number at the end of the name, and have one file otherwise.
    """
    folder, slash, name = path.rpartition("/")
    stem, extension = _stem(name)
    pattern = _NUMBER_AT_THE_END if only_at_the_end else _LAST_NUMBER
    match = pattern.fullmatch(stem)
    if match is None:
        if only_at_the_end:
            return path
        return f"{folder}{slash}{stem}{max(0, number) or ''}{extension}"
    digits = f"{max(0, number):0{len(match[2])}d}"
    return f"{folder}{slash}{match[1]}{digits}{match[3]}{extension}"


def number_in(path: str) -> int:
    """The number that `numbered` replaces; 0 without one."""
    match = _LAST_NUMBER.fullmatch(_stem(path.rpartition("/")[2])[0])
    return int(match[2]) if match else 0


def _stem(name: str) -> "tuple[str, str]":
    """The name without its extension, and that with its dot."""
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem else (name, "")


def tile(path: str, number: int) -> str:
    """The path of one UDIM tile."""
    across, up = (number - _UDIM_FIRST) % 10 + 1, (number - _UDIM_FIRST) // 10 + 1
    return path.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{across}_v{up}")


class Folders:
    """What is on disk. Each folder is listed once: a sequence has many files."""

    def __init__(self) -> None:
        self._listed: dict[str, frozenset[str]] = {}

    def has(self, path: str) -> bool:
        folder, name = os.path.split(path)
        return name in self._names(folder)

    def has_other_case(self, path: str) -> str:
        """The name of a file that differs from `path` in upper and lower case only, or nothing."""
        folder, name = os.path.split(path)
        return next((other for other in self._names(folder) if other.lower() == name.lower()), "")

    def has_any_like(self, path: str) -> bool:
        """Whether any file of a numbered sequence is there, whatever its number."""
        folder, name = os.path.split(path)
        stem, extension = _stem(name)
        match = _LAST_NUMBER.fullmatch(stem)
        before, after = (match[1], match[3]) if match else (stem, "")
        pattern = re.compile(re.escape(before) + r"\d*" + re.escape(after + extension))
        return any(pattern.fullmatch(other) for other in self._names(folder))

    def any_begins(self, folder: str, start: str) -> bool:
        return any(name.startswith(start) for name in self._names(folder))

    def _names(self, folder: str) -> "frozenset[str]":
        if folder not in self._listed:
            try:
                with os.scandir(folder or ".") as entries:
                    self._listed[folder] = frozenset(entry.name for entry in entries if not entry.is_dir())
            except (OSError, ValueError):
                self._listed[folder] = frozenset()
        return self._listed[folder]
