"""What the farm takes in an archive: checked before it is sent, and again before it is unpacked."""

from __future__ import annotations

from typing import Final

GIB: Final = 1024**3
MAX_FILES: Final = 100_000
"""Files and folders."""
MAX_UNPACKED_BYTES: Final = 200 * GIB
MAX_RATIO: Final = 200
"""Unpacked bytes for one packed: pictures, caches and .blends stay below 20, zeros reach 1,000."""
FREE_UNPACKED_BYTES: Final = GIB
"""Up to here the ratio does not matter: an empty scene packs well."""
MAX_NAME_BYTES: Final = 255
"""What file systems take for one part of a path."""
MAX_PATH_BYTES: Final = 800
"""Blender takes paths of 1,023 bytes; the farm's own folder comes before this one."""
MAX_DEPTH: Final = 64


def size_in_words(size_bytes: int) -> str:
    for unit, factor in (("GiB", GIB), ("MiB", 1024**2), ("KiB", 1024)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.3g} {unit}"
    return f"{size_bytes} bytes"
