"""Which files go into the archive, where each has its place in it, and which paths are changed for that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from contract.archives import MAX_DEPTH, MAX_FILES, MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_UNPACKED_BYTES
from farm.file_stamp import Stamp, stamp
from farm.packing.blend_file import Field
from farm.packing.paths import is_relative, locate, relative
from farm.packing.reach import Found, Lack, walk

SCENE: Final = "scene"
LIBRARY: Final = "library"
_CACHE_FOLDER: Final = "blendcache_"
"""Beside a .blend, with its name: where Blender keeps point caches and simulations on disk."""


class PackError(ValueError):
    """A project that cannot be packed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Bytes that are put into a .blend in place of others."""

    offset_bytes: int
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of the archive."""

    source: Path
    place: str
    kind: str
    stamp: Stamp
    """As it was when it was looked at."""
    patches: tuple[Patch, ...] = ()
    plain: Path | None = None
    """Of a .blend that is changed: its content without compression."""

    @property
    def size_bytes(self) -> int:
        return self.stamp[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    entries: tuple[Entry, ...]
    """The scene's own file first. By itself, when it needs nothing."""
    missing: tuple[Lack, ...]
    silent: tuple[Lack, ...]

    @property
    def needs_packing(self) -> bool:
        return len(self.entries) > 1

    @property
    def size_bytes(self) -> int:
        return sum(entry.size_bytes for entry in self.entries)

    @property
    def blends(self) -> int:
        return sum(entry.place.lower().endswith(".blend") for entry in self.entries)

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """How many files and bytes beside the scene itself."""
        sums: dict[str, tuple[int, int]] = {}
        for entry in self.entries[1:]:
            count, size = sums.get(entry.kind, (0, 0))
            sums[entry.kind] = (count + 1, size + entry.size_bytes)
        return dict(sorted(sums.items()))


def plan(blend: Path, scene: str | None, closing: ExitStack) -> Plan:
    """Look into a .blend. The plan holds as long as `closing` keeps the files open.

    Raises PackError, UnreadableBlendError, OSError.
    """
    blend = Path(os.path.normpath(blend.absolute()))  # not through links: `//` is counted from them
    found = walk(blend, scene, closing)
    kinds: dict[Path, str] = {blend: SCENE}
    for library in found.blends:
        kinds.setdefault(library, LIBRARY)
    for needs in found.needs.values():
        for need in needs:
            for file in need.files:
                kinds.setdefault(file, need.kind)
    for file in _caches_beside(found):
        kinds.setdefault(file, "point cache")
    entries = tuple(_entries(kinds, found))
    _check(entries)
    return Plan(entries=entries, missing=tuple(found.missing), silent=tuple(found.silent))


def _caches_beside(found: Found) -> Iterator[Path]:
    for blend in found.blends:
        for at, folders, names in os.walk(blend.parent / f"{_CACHE_FOLDER}{blend.stem}"):
            folders.sort()
            yield from (Path(at, name) for name in sorted(names) if Path(at, name).is_file())


def _entries(kinds: dict[Path, str], found: Found) -> Iterator[Entry]:
    """Files keep their places to each other, so that only absolute paths have to be changed."""
    base = _common_folder(list(kinds))
    for path, kind in kinds.items():
        patches = tuple(_patches(path, kinds, found)) if path in found.blends else ()
        yield Entry(
            source=path,
            place=_place(path, base),
            kind=kind,
            stamp=found.blends[path].stamp if path in found.blends else stamp(path),
            patches=patches,
            plain=found.blends[path].plain_path if patches else None,
        )


def _common_folder(files: list[Path]) -> Path | None:
    """None on a system with drives, when the files lie on several."""
    try:
        return Path(os.path.commonpath([file.parent for file in files]))
    except ValueError:
        return None


def _place(path: Path, base: Path | None) -> str:
    if base is None:
        return PurePosixPath(path.drive.rstrip(":") or "root", *path.parts[1:]).as_posix()
    return path.relative_to(base).as_posix()


def _patches(blend: Path, kinds: dict[Path, str], found: Found) -> Iterator[Patch]:
    for field in found.library_paths[blend]:
        target = locate(field.text, blend.parent)
        if field.text and target in kinds:
            yield from _patch(blend, field, target)
    done = set()
    for need in found.needs[blend]:
        if need.files and need.anchor and need.field.offset_bytes not in done:
            done.add(need.field.offset_bytes)
            yield from _patch(blend, need.field, need.anchor)


def _patch(blend: Path, field: Field, target: Path) -> Iterator[Patch]:
    if is_relative(field.text):
        return
    text = relative(target, blend.parent)
    if field.text.endswith(("/", "\\")):
        text += "/"
    content = os.fsencode(text)
    if len(content) >= field.size_bytes:
        raise PackError(
            f"{blend} has the absolute path {field.text!r}, and {text!r} is too long to stand in its place: "
            "make the paths relative in Blender (File, External Data, Make Paths Relative)"
        )
    yield Patch(offset_bytes=field.offset_bytes, content=content + bytes(field.size_bytes - len(content)))


def _check(entries: tuple[Entry, ...]) -> None:
    """What the farm would refuse."""
    if len(entries) > MAX_FILES:
        raise PackError(f"the scene needs {len(entries)} files: the farm takes {MAX_FILES} in one archive")
    size_bytes = sum(entry.size_bytes for entry in entries)
    if size_bytes > MAX_UNPACKED_BYTES:
        raise PackError(
            f"the scene needs {size_bytes / 1024**3:.0f} GiB of files: the farm takes "
            f"{MAX_UNPACKED_BYTES / 1024**3:.0f} GiB in one archive"
        )
    for entry in entries:
        try:
            parts = [part.encode("utf-8") for part in entry.place.split("/")]
        except UnicodeEncodeError as error:
            raise PackError(f"{os.fsencode(entry.source)!r} has a name that is no text: rename it") from error
        too_long = sum(map(len, parts)) + len(parts) > MAX_PATH_BYTES or len(parts) > MAX_DEPTH
        if too_long or any(len(part) > MAX_NAME_BYTES for part in parts):
            raise PackError(
                f"{entry.source} would be {entry.place} in the archive: expected paths of at most "
                f"{MAX_PATH_BYTES} bytes and {MAX_DEPTH} folders"
            )
