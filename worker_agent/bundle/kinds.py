"""What an archive is, by its content: its name is only a claim."""

from __future__ import annotations

import gzip
import tarfile
from enum import Enum
from pathlib import Path
from typing import Final

from worker_agent.bundle.rejection import Refused

_GZIP: Final = b"\x1f\x8b"
_BLEND: Final = b"BLENDER"
_REMEDY: Final = "pack it as .zip or .tar.gz"
_FOREIGN: Final = {
    b"Rar!\x1a\x07": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard",
}


class Kind(Enum):
    ZIP = "zip"
    TAR = "tar"
    TAR_GZ = "tar in gzip"


def kind_of(archive: Path) -> Kind:
    """Raises Refused for what is no archive that the farm reads, OSError and EOFError for bad gzip."""
    with archive.open("rb") as file:
        start = file.read(tarfile.BLOCKSIZE)
    if not start:
        raise Refused("is empty (0 bytes): upload it again")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00PK\x03\x04")):
        return Kind.ZIP
    for signature, what in _FOREIGN.items():
        if start.startswith(signature):
            raise Refused(f"is {what}, whatever its name says: {_REMEDY}")
    if not start.startswith(_GZIP):
        return _tar(start, Kind.TAR)
    with gzip.open(archive) as unpacked:
        return _tar(unpacked.read(tarfile.BLOCKSIZE), Kind.TAR_GZ)


def _tar(start: bytes, kind: Kind) -> Kind:
    if start.startswith(_BLEND):
        raise Refused("is a .blend, not an archive: give it a name that ends in .blend")
    if not start.strip(b"\0"):
        return kind  # a tar of nothing
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise Refused(f"is neither a zip nor a tar archive, whatever its name says: {_REMEDY}") from error
    return kind
