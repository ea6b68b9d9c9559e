"""One entry of an archive, and the place that its name gives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Final

from contract.archives import MAX_DEPTH, MAX_NAME_BYTES, MAX_PATH_BYTES
from worker_agent.bundle.rejection import Refused, shown

_DRIVE: Final = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    name: str
    """As the archive has it."""
    size_bytes: int
    """As declared."""
    is_folder: bool
    open: Callable[[], IO[bytes]]


def place_of(name: str) -> str | None:
    """Where an entry belongs, as a path relative to the project's folder. None: nowhere. Raises Refused.

    A backslash separates folders, as in archives made on Windows. What a Mac packs beside each
    file belongs nowhere.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if name.startswith(("/", "\\")) or ".." in parts or (parts and _DRIVE.match(parts[0])):
        raise Refused(f"holds {shown(name)}, a path outside its folder: pack with relative paths")
    place = "/".join(parts)
    encoded = place.encode("utf-8", "surrogateescape")
    if b"\0" in encoded or any(len(part) > MAX_NAME_BYTES for part in encoded.split(b"/")):
        raise Refused(f"holds {shown(name)}, a name that no file can have: rename it")
    if len(encoded) > MAX_PATH_BYTES or len(parts) > MAX_DEPTH:
        raise Refused(
            f"holds {shown(name)}: expected paths of at most {MAX_PATH_BYTES} bytes and {MAX_DEPTH} folders"
        )
    if not parts or "__MACOSX" in parts or parts[-1].startswith("._"):
        return None
    return place
