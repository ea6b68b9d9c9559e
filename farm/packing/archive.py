"""One archive of a plan's files, in a temporary folder that is gone afterwards."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from contract.archives import FREE_UNPACKED_BYTES, MAX_RATIO, size_in_words
from farm.file_stamp import stamp
from farm.packing.plan import Entry, PackError, Plan

_PREFIX: Final = "farm-pack-"
_LOCK: Final = "in-use"
_CHUNK_BYTES: Final = 1024 * 1024
_SPARE_BYTES: Final = 64 * 1024**2
_A_DAY: Final = (1980, 1, 1, 0, 0, 0)
"""The same for every file, so that packing again makes the same archive: an upload of it goes on."""
_QUICK: Final = 1
_PLAIN_BLEND: Final = b"BLENDER"
_PACKED_ALREADY: Final = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".webp", ".exr", ".jp2", ".avif", ".vdb", ".abc", ".usdc", ".usdz"),
        *(".mp4", ".mov", ".mkv", ".webm", ".avi", ".mp3", ".ogg", ".flac", ".m4a", ".aac"),
        *(".woff", ".woff2", ".zip", ".gz", ".zst"),
    }
)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Gone in the end, also after an interruption; what a killed process left is taken away as well."""
    _clear_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_archive(plan: Plan, target: Path, tell: Callable[[int], object]) -> None:
    """Write the archive; `tell` hears how many bytes of files went in with each step.

    Raises PackError when a file has changed since the plan was made, and OSError, with ENOSPC before
    anything is written when there is not the space for it.
    """
    _require_space(target.parent, plan.size_bytes)
    _write(plan, target, tell, frozenset())
    if plan.size_bytes > max(FREE_UNPACKED_BYTES, MAX_RATIO * target.stat().st_size):
        stored = _stored(plan)  # the farm would take it for a bomb
        target.unlink()
        _write(plan, target, lambda _: None, stored)


def _stored(plan: Plan) -> frozenset[str]:
    """Places of files, the smallest first, that are large enough together when they are not compressed."""
    places: set[str] = set()
    size_bytes = 0
    for entry in sorted(plan.entries, key=lambda entry: (entry.size_bytes, entry.place)):
        if size_bytes * MAX_RATIO >= plan.size_bytes:
            break
        places.add(entry.place)
        size_bytes += entry.size_bytes
    return frozenset(places)


def _write(plan: Plan, target: Path, tell: Callable[[int], object], stored: frozenset[str]) -> None:
    with zipfile.ZipFile(target, "x", allowZip64=True) as bundle:
        for entry in plan.entries:
            info = zipfile.ZipInfo(entry.place, _A_DAY)
            info.external_attr = 0o100644 << 16
            _require_unchanged(entry)
            with _content(entry, target.parent) as source:
                info.compress_type = zipfile.ZIP_STORED if entry.place in stored else _method(entry, source)
                info._compresslevel = _QUICK  # type: ignore[attr-defined]  # has no public name in 3.11
                with bundle.open(info, "w", force_zip64=True) as file:
                    while chunk := source.read(_CHUNK_BYTES):
                        file.write(chunk)
                        tell(len(chunk))
            _require_unchanged(entry)


@contextmanager
def _content(entry: Entry, folder: Path) -> Iterator[IO[bytes]]:
    """A file's content: of a .blend with other paths, of a changed copy. The artist's own is only read."""
    if not entry.patches:
        with entry.source.open("rb") as file:
            yield file
        return
    assert entry.plain is not None
    copy = folder / "changed.blend"
    try:
        shutil.copyfile(entry.plain, copy)
        with copy.open("r+b") as file:
            for patch in entry.patches:
                file.seek(patch.offset_bytes)
                file.write(patch.content)
            file.seek(0)
            yield file
    finally:
        copy.unlink(missing_ok=True)


def _method(entry: Entry, source: IO[bytes]) -> int:
    """What is compressed already does not get smaller."""
    if entry.place.lower().endswith(".blend"):
        start = source.read(len(_PLAIN_BLEND))
        source.seek(0)
        return zipfile.ZIP_DEFLATED if start == _PLAIN_BLEND else zipfile.ZIP_STORED
    packed = Path(entry.place).suffix.lower() in _PACKED_ALREADY
    return zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED


def _require_unchanged(entry: Entry) -> None:
    """Its paths were read from what it was: in what it is now, they stand elsewhere."""
    if stamp(entry.source) != entry.stamp:
        raise PackError(f"{entry.source} has changed while it was packed: submit it again")


def _require_space(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes + _SPARE_BYTES > free_bytes:
        raise OSError(
            errno.ENOSPC,
            f"packing needs up to {size_in_words(needed_bytes)} for a while, {size_in_words(free_bytes)} are "
            "free: make room, or set TMPDIR to a folder on another disk",
            str(folder),
        )


def _clear_leftovers() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), (folder / _LOCK).open("r+") as lock:
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held by who still packs
            shutil.rmtree(folder, ignore_errors=True)
