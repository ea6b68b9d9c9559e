"""Whether an EXR file is complete, told without decompressing: for compressions that are newer than we.

Blender 5.2 can write HTJ2K, which the decoder here does not know.
"""

import struct
from typing import BinaryIO

NEWEST_KNOWN_COMPRESSION = 9
"""DWAB, in the order of OpenEXR's list."""
_MULTIPART = 0x1000
_MOST_CHUNKS = 1 << 20
_LINES = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256, 10: 256, 11: 32}
"""Compression → lines of a chunk."""


class DamagedError(Exception):
    """In words."""


def headers(file: BinaryIO) -> list[dict[str, bytes]]:
    """The attributes of each part. Raises DamagedError."""
    file.seek(4)
    (version,) = struct.unpack("<I", _take(file, 4))
    parts = [_header(file)]
    while version & _MULTIPART:
        part = _header(file)
        if not part:
            break
        parts.append(part)
    return parts


def compression(part: dict[str, bytes]) -> int:
    return part.get("compression", b"\0")[0]


def window(part: dict[str, bytes], name: str) -> tuple[int, int]:
    """Width and height of `dataWindow` or `displayWindow`."""
    try:
        left, top, right, bottom = struct.unpack("<4i", part[name])
    except (KeyError, struct.error) as error:
        raise DamagedError(f"its header lacks {name}") from error
    return right - left + 1, bottom - top + 1


def check(file: BinaryIO, size: int) -> None:
    """Every chunk is where the table says, and inside the file. Raises DamagedError."""
    parts = headers(file)
    counts = [_chunks(part) for part in parts]
    offsets = [struct.unpack(f"<{count}Q", _take(file, 8 * count)) for count in counts]
    for table in offsets:
        for offset in table:
            if not 0 < offset < size:
                raise DamagedError("its end is missing")
            file.seek(offset)
            leader = _take(file, 12 if len(parts) > 1 else 8)
            (length,) = struct.unpack("<i", leader[-4:])
            if length <= 0 or offset + len(leader) + length > size:
                raise DamagedError("its end is missing")


def _chunks(part: dict[str, bytes]) -> int:
    if "chunkCount" in part:
        (count,) = struct.unpack("<i", part["chunkCount"])
    else:
        lines = _LINES.get(compression(part), 1)
        count = -(-window(part, "dataWindow")[1] // lines)
    if not 0 < count <= _MOST_CHUNKS:
        raise DamagedError("its header makes no sense")
    return int(count)


def _header(file: BinaryIO) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    while name := _name(file):
        _name(file)  # the type
        (length,) = struct.unpack("<i", _take(file, 4))
        if not 0 <= length < 1 << 24:
            raise DamagedError("its header makes no sense")
        found[name] = _take(file, length)
    return found


def _name(file: BinaryIO) -> str:
    name = bytearray()
    while (byte := _take(file, 1)) != b"\0":
        name += byte
        if len(name) > 255:
            raise DamagedError("its header makes no sense")
    return name.decode("latin-1")


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise DamagedError("its end is missing")
    return data
