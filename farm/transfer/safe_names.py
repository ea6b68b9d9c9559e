"""Names that come from the bucket are a stranger's: none leads out of the folder it is meant for."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path


class UnsafeNameError(ValueError):
    """A file name that could lead out of the folder it is meant for."""


def local_path(folder: Path, name: str) -> Path:
    """Where a file called `name` in the bucket is kept under `folder`. Raises UnsafeNameError."""
    parts = name.split("/")
    if not all(_is_plain(part) for part in parts):
        raise UnsafeNameError(f"{name[:200]!r} is no plain file name: it was not downloaded")
    path = folder.joinpath(*parts)
    if not path.parent.resolve().is_relative_to(folder.resolve()):  # a link inside the folder leads out
        raise UnsafeNameError(f"{name[:200]!r} leads out of {folder}: it was not downloaded")
    return path


def _is_plain(part: str) -> bool:
    if part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255:
        return False
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in part):
        return False
    forbidden = {os.sep, os.altsep, "\\"} | ({":"} if os.name == "nt" else set())
    return not any(c in part for c in forbidden if c)
