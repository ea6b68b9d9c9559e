"""Archives that must end in a plain reason, with nothing written outside."""

from __future__ import annotations

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.archives import (
    cut_off,
    many_tar,
    many_zip,
    special,
    tar,
    with_password,
    zeros_tar,
    zeros_zip,
    zipped,
    zipped_as,
)

ESCAPED = "farm-archive-escaped"
"""In the name of everything that tries to land outside."""

_SCENE = ("shot.blend", b"BLENDER")
_NOISE = ("shot.blend", b"BLENDER" + zlib.compress(repr(list(range(20_000))).encode()))
_Make = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Hostile:
    """`make` writes the archive to the path it is given; `says` is part of the reason to come."""

    what: str
    says: str
    make: _Make
    file_name: str


def _tar(*entries: tuple[tarfile.TarInfo | str, bytes], mode: str = "w:gz") -> _Make:
    return lambda path: tar(path, *entries, mode=mode)


def _with(entry: tarfile.TarInfo | str) -> _Make:
    return _tar(_SCENE, (entry, b""))


def _zip_with(entry: zipfile.ZipInfo | str) -> _Make:
    return lambda path: zipped(path, _SCENE, (entry, b"/tmp"))


def _bytes(content: bytes) -> _Make:
    return lambda path: path.write_bytes(content)


_OUTSIDE, _TWO_VOLUMES = "a path outside its folder", "one of several volumes"
_TARS: tuple[tuple[str, str, _Make], ...] = (
    ("absolute path", f"'/tmp/{ESCAPED}.blend', {_OUTSIDE}", _with(f"/tmp/{ESCAPED}.blend")),
    ("dots", _OUTSIDE, _with(f"a/../../../../{ESCAPED}.blend")),
    ("backslashes and dots", _OUTSIDE, _with(f"a\\..\\..\\{ESCAPED}")),
    ("drive letter", _OUTSIDE, _with(f"C:\\{ESCAPED}.png")),
    ("symlink out", "a link to '/tmp'", _with(special("out", tarfile.SYMTYPE, "/tmp"))),
    ("symlink inside", "pack the files themselves", _with(special("b.png", tarfile.SYMTYPE, "shot.blend"))),
    (
        "through a link",
        "a link to '/tmp'",
        _tar((special("out", tarfile.SYMTYPE, "/tmp"), b""), (f"out/{ESCAPED}.blend", b"BLENDER")),
    ),
    ("hard link", "a link to", _with(special("passwd", tarfile.LNKTYPE, "../../../../../etc/passwd"))),
    ("device", "a device or a pipe", _with(special("null", tarfile.CHRTYPE))),
    ("pipe", "a device or a pipe", _with(special("pipe", tarfile.FIFOTYPE))),
    ("part of several", _TWO_VOLUMES, _with(special("shot", b"M"))),
    ("name too long", "a name that no file can have", _with("x" * 300 + ".png")),
    ("path too deep", "at most 800 bytes", _with("a/" * 200 + "a.png")),
    ("same name twice", "'./shot.blend' twice", _with("./shot.blend")),
    ("file and folder", "a file and a folder of the same name", _with("shot.blend/b.png")),
    ("two blends", "2 .blend files (a/b.blend, shot.blend): choose one", _with("a/b.blend")),
    ("none", "no .blend file: expected one", _tar(("a.txt", b""))),
    ("nested", "another archive in it ('film.zip')", _tar(("film.zip", b"PK"))),
    ("cut off", "Was the upload cut off?", lambda path: cut_off(tar(path, _NOISE))),
    ("10 GiB of zeros", "not a bomb", lambda path: zeros_tar(path, 10)),
    ("1,000,000 entries", "more than 100000 files", lambda path: many_tar(path, 1_000_000)),
    ("bzip2", "is compressed with bzip2", _tar(_SCENE, mode="w:bz2")),
    ("a scene", "is a .blend, not an archive", _bytes(b"BLENDER-v405" + bytes(999))),
    ("text", "neither a zip nor a tar", _bytes(b"Dear farm,\n" * 99)),
)
_ZIPS: tuple[tuple[str, str, _Make], ...] = (
    ("absolute path", _OUTSIDE, _zip_with(f"/tmp/{ESCAPED}.blend")),
    ("dots", _OUTSIDE, _zip_with(f"../../../{ESCAPED}.blend")),
    ("network path", _OUTSIDE, _zip_with(f"\\\\server\\{ESCAPED}.blend")),
    ("drive letter", _OUTSIDE, _zip_with(f"c:{ESCAPED}.blend")),
    ("symlink", "a link", _zip_with(zipped_as("out", stat.S_IFLNK | 0o777))),
    ("device", "a device or a pipe", _zip_with(zipped_as("null", stat.S_IFCHR | 0o666))),
    ("two blends", "2 .blend files", _zip_with("other.BLEND")),
    ("bzip2 inside", "with bzip2: expected Deflate", _zip_with(zipped_as("a.png", 0, zipfile.ZIP_BZIP2))),
    ("LZMA inside", "with LZMA: expected Deflate", _zip_with(zipped_as("a.png", 0, zipfile.ZIP_LZMA))),
    ("password", "locked with a password", with_password),
    ("cut off", "Was the upload cut off?", lambda path: cut_off(zipped(path, _NOISE))),
    ("10 GiB of zeros", "not a bomb", lambda path: zeros_zip(path, 10)),
    ("1,000,000 entries", "more than 100000 files", lambda path: many_zip(path, 1_000_000)),
    ("RAR", "is a RAR archive", _bytes(b"Rar!\x1a\x07\x01\0" + bytes(99))),
    ("7-Zip", "is a 7-Zip archive", _bytes(b"7z\xbc\xaf\x27\x1c" + bytes(99))),
    ("a packed scene", "is a .blend, not an archive", _bytes(gzip.compress(b"BLENDER-v280" + bytes(999)))),
    ("first of several", _TWO_VOLUMES, _bytes(b"PK\x07\x08" + bytes(99))),
    (
        "last of several",
        _TWO_VOLUMES,
        _bytes(b"PK\x03\x04" + bytes(99) + b"PK\x05\x06" + struct.pack("<HH", 2, 2) + bytes(14)),
    ),
)
HOSTILE = (
    *(Hostile(what, says, make, "film.tar.gz") for what, says, make in _TARS),
    *(Hostile(what, says, make, "film.zip") for what, says, make in _ZIPS),
)
