"""Reading zip archives."""

from __future__ import annotations

import functools
import io
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from worker_agent.bundle.limits import Limits
from worker_agent.bundle.member import Member
from worker_agent.bundle.rejection import Refused, shown

_ENTRY: Final = b"PK\x01\x02"
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22 + 65_535
"""The end record and the longest comment after it."""
_SPLIT: Final = b"PK\x07\x08"
_MAX_DIRECTORY_BYTES: Final = 64 * 1024**2
_ENCRYPTED: Final = 0x1
_UTF8_NAME: Final = 0x800
_METHODS: Final = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64, as Windows does with files over 2 GB",
    12: "bzip2",
    14: "LZMA",
    93: "Zstandard",
    95: "xz",
    98: "PPMd",
}


class _BoundedFile(io.BufferedReader):
    """Looks at the directory, which zipfile reads at once, before an object is made of each entry.

    The number of entries in the end record may lie; the directory's own bytes cannot.
    """

    def __init__(self, archive: Path, max_files: int) -> None:
        super().__init__(io.FileIO(archive))
        self._max_files = max_files

    def read(self, size: int | None = -1) -> bytes:
        whole_rest = size is None or size < 0
        data = super().read(_MAX_DIRECTORY_BYTES if whole_rest else min(size or 0, _MAX_DIRECTORY_BYTES + 1))
        if len(data) > _MAX_DIRECTORY_BYTES or data.count(_ENTRY) > self._max_files:
            raise Refused(f"holds more than {self._max_files} files and folders")
        return data


@contextmanager
def open_zip(archive: Path, limits: Limits) -> Iterator[Callable[[], Iterator[Member]]]:
    """Yields a function that lists the entries. Raises Refused, or what zipfile raises."""
    with _BoundedFile(archive, limits.max_files) as file:
        _refuse_parts(file)
        with zipfile.ZipFile(file) as bundle:
            yield lambda: (_member(bundle, entry) for entry in bundle.infolist())


def _refuse_parts(file: io.BufferedReader) -> None:
    """A part of a zip, be it one of several volumes or what came of an upload that was cut off."""
    start = file.read(4)
    file.seek(max(0, file.seek(0, io.SEEK_END) - _END_BYTES))
    tail = file.read(_END_BYTES)
    end = tail.rfind(_END)
    volume = struct.unpack_from("<H", tail, end + 4)[0] if 0 <= end <= len(tail) - 6 else 0
    if start == _SPLIT or volume not in (0, 0xFFFF):
        raise Refused("is one of several volumes of a zip: pack it as one file")
    if end < 0:
        raise Refused("is incomplete: its end is missing. Was the upload cut off?")


def _member(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    name = _name(entry)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise Refused(f"holds {shown(name)}, a link: pack the file itself that it leads to")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(f"holds {shown(name)}, a device or a pipe: expected files and folders")
    is_folder = name.endswith(("/", "\\"))
    if not is_folder:
        if entry.flag_bits & _ENCRYPTED:
            raise Refused("is locked with a password: upload it without one")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            method = _METHODS.get(entry.compress_type, f"method {entry.compress_type}")
            raise Refused(f"holds {shown(name)}, compressed with {method}: expected Deflate or none")
    return Member(
        name=name,
        size_bytes=0 if is_folder else entry.file_size,
        is_folder=is_folder,
        open=functools.partial(_open, bundle, entry),
    )


def _open(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
    return bundle.open(entry)


def _name(entry: zipfile.ZipInfo) -> str:
    """Macs write UTF-8 without saying so, and zipfile takes it for the PC's old letters."""
    name = entry.orig_filename
    if entry.flag_bits & _UTF8_NAME:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
