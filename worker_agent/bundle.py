"""Unpacks an uploaded archive: a stranger's, so nothing of it may land outside its folder."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

MAX_FILES = 100_000
MAX_UNPACKED_BYTES = 200 * 1024**3


class BundleRejectedError(Exception):
    """An archive that is not rendered; the message is for its owner."""


def is_bundle(name: str) -> bool:
    return name.lower().endswith((".tar.gz", ".tgz", ".zip"))


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack into an empty folder and return the one .blend in it. Raises BundleRejectedError.

    Sizes and names are checked before anything is written. Links are never made.
    """
    try:
        if archive.name.lower().endswith(".zip"):
            _unpack_zip(archive, folder)
        else:
            _unpack_tar(archive, folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the archive's
        raise BundleRejectedError(f"{archive.name} cannot be unpacked: {error}") from error
    return _only_blend(archive, folder)


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as bundle:
        entries = bundle.infolist()
        _check(archive, ((entry.filename, entry.file_size) for entry in entries))
        for entry in entries:
            if entry.flag_bits & 1:
                raise BundleRejectedError(f"{archive.name} is locked with a password: upload it without one")
            bundle.extract(entry, folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive, "r:*") as bundle:
        entries = []
        for entry in bundle:
            if not (entry.isfile() or entry.isdir()):
                raise BundleRejectedError(
                    f"{archive.name} holds {entry.name!r}, a link or a device: pack the files themselves"
                )
            entries.append(entry)
            if len(entries) > MAX_FILES:
                break
        _check(archive, ((entry.name, entry.size) for entry in entries))
        for entry in entries:
            bundle.extract(entry, folder, filter="data")


def _check(archive: Path, entries: Iterable[tuple[str, int]]) -> None:
    total = 0
    for number, (name, size) in enumerate(entries, start=1):
        total += size
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            raise BundleRejectedError(f"{archive.name} holds {name!r}, a path outside its folder")
        if number > MAX_FILES:
            raise BundleRejectedError(f"{archive.name} holds more than {MAX_FILES} files")
        if total > MAX_UNPACKED_BYTES:
            raise BundleRejectedError(f"{archive.name} unpacks to more than {MAX_UNPACKED_BYTES} bytes")


def _only_blend(archive: Path, folder: Path) -> Path:
    blends = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() == ".blend" and "__MACOSX" not in path.parts
    )
    if len(blends) == 1:
        return blends[0]
    names = ", ".join(str(blend.relative_to(folder)) for blend in blends[:5])
    found = f"{len(blends)} .blend files ({names}{', …' * (len(blends) > 5)})" if blends else "no .blend file"
    raise BundleRejectedError(f"{archive.name} holds {found}: expected one")
