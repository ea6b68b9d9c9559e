"""Where something of a frame lies when it is not in an object of its own that is called by its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """Some bytes of an object. Frames that were rendered together share their small objects: S3 is paid by
    the request, and quick frames would cost more in requests than in machines."""

    key: str
    """Relative to the job's output or, with a slash in front, to the bucket."""
    start: int
    size_bytes: int

    @classmethod
    def from_map(cls, values: Mapping[str, Any] | None) -> Self | None:
        """Raises KeyError and ValueError for what is none."""
        if values is None:
            return None
        part = cls(key=str(values["key"]), start=int(values["start"]), size_bytes=int(values["size_bytes"]))
        if part.start < 0 or part.size_bytes < 1:
            raise ValueError(f"{part} is no part: it would begin before its object, or be empty")
        return part


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameParts:
    """Parts of a frame as its record has them; None: what is in the object of its number, or not there."""

    log: StoredPart | None = None
    proxy: StoredPart | None = None
    thumbnail: StoredPart | None = None

    def to_map(self) -> dict[str, dict[str, Any]]:
        """Attributes of the frame's item."""
        parts = {"log": self.log, "proxy": self.proxy, "thumbnail": self.thumbnail}
        return {name: asdict(part) for name, part in parts.items() if part}


def whole_key(key: str, *, output: str) -> str:
    """A part's key as the bucket has it; the job's prefix is `output`."""
    return key[1:] if key.startswith("/") else output + key


def where(part: StoredPart | None, *, output: str, otherwise: str) -> dict[str, str]:
    """`Key` and `Range` as S3's GetObject takes them: of the part, of a job whose prefix is `output`, or of
    a whole object when there is none."""
    if part is None:
        return {"Key": otherwise}
    last = part.start + part.size_bytes - 1
    return {"Key": whole_key(part.key, output=output), "Range": f"bytes={part.start}-{last}"}
