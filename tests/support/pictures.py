"""Small picture files made without Blender."""

import struct
import zlib


def png(width: int, height: int, rows: bytes | None = None) -> bytes:
    """A PNG, black unless its rows (a filter byte and RGB each) are given; they may be too few."""
    pixels = bytes(height * (1 + 3 * width)) if rows is None else rows
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*chunks, strict=True)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
