"""The picture of a frame: a real PNG whose pixels spell job and frame, so that no other passes for it.

Standard library only: the fake Blender imports it.
"""

import struct
import zlib

WIDTH = HEIGHT = 16
_ROW_BYTES = WIDTH * 3
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture(job_id: str, frame: int) -> bytes:
    """The PNG of this frame of this job, always the same bytes."""
    text = f"{job_id} {frame:07d} ".encode()
    pixels = (text * (_ROW_BYTES * HEIGHT // len(text) + 1))[: _ROW_BYTES * HEIGHT]
    rows = b"".join(b"\0" + pixels[at : at + _ROW_BYTES] for at in range(0, len(pixels), _ROW_BYTES))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 1)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
