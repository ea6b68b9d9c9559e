"""Take a job's files home. Names that come from the bucket are a stranger's: none leads out of the folder."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from secrets import token_hex

from contract.keys import frames_prefix
from farm.jobs import Farm

_CHUNK_BYTES = 1024 * 1024


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


def download(farm: Farm, key: str, path: Path) -> None:
    """Fetch an object. The file appears under its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{token_hex(8)}.part"
    try:
        answer = farm.s3.get_object(Bucket=farm.bucket, Key=key)
        with part.open("xb") as file:
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                file.write(chunk)
        if part.stat().st_size != answer["ContentLength"]:
            raise OSError(f"{key} broke off after {part.stat().st_size} of {answer['ContentLength']} bytes")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def download_frame(farm: Farm, *, project: str, job_id: str, name: str, folder: Path) -> Path:
    """Fetch one file of a frame, under the name it has on its record."""
    path = local_path(folder, name)
    download(farm, frames_prefix(project, job_id) + name, path)
    return path


def _is_plain(part: str) -> bool:
    if part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255:
        return False
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in part):
        return False
    forbidden = {os.sep, os.altsep, "\\"} | ({":"} if os.name == "nt" else set())
    return not any(c in part for c in forbidden if c)
