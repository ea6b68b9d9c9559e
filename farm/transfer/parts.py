"""A file in parts, as S3 takes it: each with its own checksum."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

MIB: Final = 1024**2
USUAL_PART_BYTES: Final = 8 * MIB
MAX_PARTS: Final = 10_000
MAX_OBJECT_BYTES: Final = 5 * 1024**4
"""What S3 takes as one object."""


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    """From 1."""
    start: int
    size_bytes: int


def part_bytes(size_bytes: int, usual_bytes: int = USUAL_PART_BYTES) -> int:
    """How large the parts of a file are: the same for every upload of it."""
    least = ceil(size_bytes / MAX_PARTS)
    return usual_bytes if least <= usual_bytes else ceil(least / MIB) * MIB


def parts_of(size_bytes: int, each_bytes: int) -> Iterator[Part]:
    for number, start in enumerate(range(0, size_bytes, each_bytes), 1):
        yield Part(number, start, min(each_bytes, size_bytes - start))


def read_part(file: Path, part: Part) -> bytes:
    """Raises OSError when the file has become shorter."""
    with file.open("rb") as source:
        source.seek(part.start)
        content = source.read(part.size_bytes)
    if len(content) != part.size_bytes:
        raise OSError(f"{file} has become shorter while it was sent: submit it again")
    return content


def checksum(content: bytes) -> str:
    """As S3 writes it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def whole_checksum(checksums: list[str]) -> str:
    """That of an object, made of those of its parts."""
    digests = b"".join(base64.b64decode(one) for one in checksums)
    return f"{checksum(digests)}-{len(checksums)}"
