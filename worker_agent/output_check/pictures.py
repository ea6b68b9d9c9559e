"""The small pictures of a frame as the agent has them from its decoder, which a stranger's file may rule."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final, Self

MOST_BYTES: Final = 8 << 20
_JPEG: Final = b"\xff\xd8\xff"
_MOST_LETTERS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Both are JPEG files. `note` says how they differ from what Blender shows, or is empty."""

    thumbnail: bytes
    proxy: bytes
    note: str = ""

    @classmethod
    def from_answer(cls, answer: Any) -> Self:
        """Raises ValueError with the reason when there are none."""
        if not isinstance(answer, dict):
            raise ValueError("the decoder gave none")
        if "problem" in answer:
            raise ValueError(str(answer["problem"])[:_MOST_LETTERS])
        note = " ".join(str(answer.get("note", "")).split())[:_MOST_LETTERS]
        return cls(thumbnail=_jpeg(answer, "thumbnail"), proxy=_jpeg(answer, "proxy"), note=note)


def _jpeg(answer: dict[str, Any], name: str) -> bytes:
    data = base64.b64decode(str(answer.get(name, "")), validate=True)
    if not data.startswith(_JPEG) or len(data) > MOST_BYTES:
        raise ValueError(f"its {name} is no JPEG of a few megabytes")
    return data
