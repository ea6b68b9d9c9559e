"""Unpacks an uploaded archive: a stranger's, so nothing of it may land outside its folder."""

from __future__ import annotations

import errno
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

MAX_FILES = 100_000
MAX_UNPACKED_BYTES = 200 * 1024**3

_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,
    ValueError,
)
_MACHINES_FAULT = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EACCES,
    errno.EROFS,
}
"""Errors that another worker may not meet: the archive is not to blame."""


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
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno in _MACHINES_FAULT:
            raise
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
    blends = sorted(path for path in folder.rglob("*.[bB][lL][eE][nN][dD]") if _is_scene(path))
    if len(blends) == 1:
        return blends[0]
    names = ", ".join(str(blend.relative_to(folder)) for blend in blends[:5])
    found = f"{len(blends)} .blend files ({names}{', …' * (len(blends) > 5)})" if blends else "no .blend file"
    raise BundleRejectedError(f"{archive.name} holds {found}: expected one")


def _is_scene(path: Path) -> bool:
    """A file, and none of the shadows that a Mac packs beside each."""
    return path.is_file() and not path.name.startswith("._") and "__MACOSX" not in path.parts
