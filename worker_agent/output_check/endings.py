"""Whether a file reaches its end, where its decoder would not say."""

import os
from typing import BinaryIO

_PNG_END = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"
_JPEG_END = b"\xff\xd9"
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
_ZEROS = 4096
"""Compressed data do not end with a page of zeros; a page that was never written does."""


def cut_off(name: str, file: BinaryIO) -> str | None:
    """Why the file is incomplete, or None. `name` is of formats.FORMATS."""
    size = file.seek(0, os.SEEK_END)
    if name == "PNG" and _tail(file, size, len(_PNG_END)) != _PNG_END:
        return "its end is missing"
    if name in ("JPEG", "JPEG 2000") and _tail(file, size, len(_JPEG_END)) != _JPEG_END:
        return "its end is missing"
    if name == "WebP" and not _tail(file, size, _ZEROS).strip(b"\0"):
        return "its end is empty"
    if name in ("DPX", "Cineon"):
        at = 16 if name == "DPX" else 20
        head = _read(file, 0, 24)
        promised = int.from_bytes(head[at : at + 4], "little" if head.startswith(b"XPDS") else "big")
        if promised not in _UNKNOWN_SIZES and size < promised:
            return f"it has {size:,} bytes of {promised:,}"
    return None


def _tail(file: BinaryIO, size: int, count: int) -> bytes:
    return _read(file, max(0, size - count), count)


def _read(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)
