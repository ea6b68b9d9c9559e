"""Whether a file is still the one that was looked at."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, int, int]


def stamp(file: Path) -> Stamp:
    """Its size in bytes, and what changes when somebody writes into it or puts another in its place.

    Raises OSError.
    """
    status = file.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
