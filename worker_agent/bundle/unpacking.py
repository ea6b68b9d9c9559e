"""From an archive to a folder of plain files."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Final

from contract.archives import size_in_words
from worker_agent.bundle.kinds import Kind, kind_of
from worker_agent.bundle.limits import Limits
from worker_agent.bundle.member import Member, place_of
from worker_agent.bundle.plan import Plan
from worker_agent.bundle.rejection import BundleRejectedError, Refused, shown
from worker_agent.bundle.tar_archive import CHUNK_BYTES, open_tar
from worker_agent.bundle.zip_archive import open_zip
from worker_agent.watchdog import still_alive

_SPARE_BYTES: Final = 64 * 1024**2
"""Left free on the file system, for what a file takes beside its content."""
_BROKEN: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    RuntimeError,  # zipfile's way to say "not supported", and recursion in tarfile
    ValueError,  # names in no encoding are one, too
    OverflowError,
)
_ARCHIVES_FAULT: Final = {None, errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ}
"""gzip's own errors have no number. All others are the machine's: another worker may not meet them."""


def unpack(archive: Path, folder: Path, blend: str | None = None, limits: Limits | None = None) -> Path:
    """Unpack into an empty folder and return the .blend to render: the only one, or the one asked for.

    Raises BundleRejectedError for what is the archive's fault, OSError for the machine's.
    """
    try:
        return _unpack(archive, folder, blend, limits or Limits())
    except Refused as error:
        raise BundleRejectedError(f"{archive.name} {error}") from error
    except EOFError as error:
        raise BundleRejectedError(
            f"{archive.name} is incomplete: its end is missing. Was the upload cut off?"
        ) from error
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _ARCHIVES_FAULT:
            raise
        raise BundleRejectedError(f"{archive.name} is damaged and cannot be unpacked: {error}") from error


def _unpack(archive: Path, folder: Path, blend: str | None, limits: Limits) -> Path:
    plan = Plan(limits=limits, packed_bytes=archive.stat().st_size)
    with _opened(archive, limits) as members:
        for member in members():
            still_alive()
            plan.add(member)
        chosen = plan.blend(blend)
        _require_space(folder, plan.unpacked_bytes)
        for member in members():
            place = place_of(member.name)
            if place is not None:
                _write(member, folder / place)
    return folder / chosen


def _opened(archive: Path, limits: Limits) -> AbstractContextManager[Callable[[], Iterator[Member]]]:
    kind = kind_of(archive)
    return open_zip(archive, limits) if kind is Kind.ZIP else open_tar(archive, kind, limits)


def _require_space(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes + _SPARE_BYTES > free_bytes:
        raise OSError(
            errno.ENOSPC,
            f"{size_in_words(needed_bytes)} are to be unpacked, {size_in_words(free_bytes)} are free",
            str(folder),
        )


def _write(member: Member, target: Path) -> None:
    """A plain file, whatever mode the archive gives it: nothing here is run, and all may be removed."""
    if member.is_folder:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    left_bytes = member.size_bytes
    with member.open() as source, _create(target) as file:
        while chunk := source.read(CHUNK_BYTES):
            still_alive()
            left_bytes -= len(chunk)
            if left_bytes < 0:
                raise Refused(f"is damaged: {shown(member.name)} is longer than the archive says")
            file.write(chunk)
    if left_bytes:
        raise Refused(f"is incomplete: the end of {shown(member.name)} is missing")


def _create(target: Path) -> IO[bytes]:
    """Never over something that is there, nor through a link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return os.fdopen(os.open(target, flags, 0o644), "wb")
