"""What an estimate rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farm.estimate.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """How long a frame takes, and how that is known."""

    kind: str
    """`history` or `tried frames`."""
    words: tuple[str, ...]
    """What it rests on and what it leaves out, for the person."""
    frames: int
    frame_seconds: Span
    open_seconds: float
    """What a worker needs to open the file."""
    hour_dollars: float | None = None
    """What an hour of a machine did cost; None: nobody knows."""
    details: Mapping[str, Any]
    """For JSON."""
