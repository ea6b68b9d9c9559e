"""The version a .blend was saved with, from its first bytes.

Blender cannot be asked: a 3.4 calls a 5.x file "not a blend file", a 4.5 opens it with no more
than a warning.
"""

import errno
import gzip
import os
import re
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from worker_agent.blender.errors import SceneRejected

# `BLENDER-v405` up to 4.x, `BLENDER17-01v0502` (header length, format, version) from 5.0.
_CLASSIC = re.compile(rb"BLENDER[_-][vV](\d)(\d\d)")
_LARGE = re.compile(rb"BLENDER\d\d-\d\d[vV](\d\d)(\d\d)")
_HEADER_BYTES = 17
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, order=True)
class BlenderVersion:
    """A release series: 4.5 is (4, 5); files and settings are compatible within one."""

    major: int
    minor: int

    def __str__(self) -> str:
        # Up to 2.9x the minor number was written with two digits (2.79, 2.80).
        return f"{self.major}.{self.minor:02d}" if self.major < 3 else f"{self.major}.{self.minor}"


def read_file_version(path: Path) -> BlenderVersion:
    """The series a .blend was saved with. Raises SceneRejected when it is no readable .blend."""
    try:
        header = _read_header(path)
    except FileNotFoundError:
        raise SceneRejected(f"{path.name} is not there.", "file_missing") from None
    except IsADirectoryError:
        raise SceneRejected(f"{path.name} is a folder, not a .blend.", "not_a_blend") from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise SceneRejected(
            f"{path.name} cannot be read; it may be damaged ({error}).", "unreadable"
        ) from error
    match = _CLASSIC.match(header) or _LARGE.match(header)
    if match is None:
        what = "is not a Blender file, whatever its name says"
        if not header:
            what = "is incomplete: its end is missing" if path.stat().st_size else "is empty"
        raise SceneRejected(f"{path.name} {what}.", "not_a_blend")
    return BlenderVersion(int(match[1]), int(match[2]))


def open_regular(path: Path) -> IO[bytes]:
    """Open a file that a scene's script may have replaced while its project was baked.

    A pipe in its place would be waited for without end, and a link could name a file of the agent's. Raises
    OSError; a folder is IsADirectoryError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _read_header(path: Path) -> bytes:
    with open_regular(path) as file:
        start = file.read(_HEADER_BYTES)
        file.seek(0)
        if start.startswith(_GZIP):
            with gzip.open(file) as unpacked:
                return unpacked.read(_HEADER_BYTES)
        if start.startswith(_ZSTD):
            return _read_zstd(file)
    return start


def _read_zstd(file: IO[bytes]) -> bytes:
    import zstandard  # not in the standard library before 3.14; asset-tracer brings it

    try:
        with zstandard.ZstdDecompressor().stream_reader(file) as unpacked:
            return unpacked.read(_HEADER_BYTES)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
