"""What one contender took for a scene's frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Times are wall-clock seconds; what each covers is said in contenders.EXPLAINED."""

    contender: str
    frames: int
    seconds: float
    """All of it: Blender's start, the load, the frames, and whatever is done about them."""
    frames_seconds: float
    """From the first frame's beginning to the last one's end, without Blender's start and the load."""
    blender_seconds: float
    """Of these, in which a Blender was at a frame; of several Blenders the sum."""
    processor: Mapping[str, float]
    """Processor seconds, user's and system's, by who used them."""
    pictures: Path
    version: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    """Requests to AWS by operation, from the first claim to the last record."""

    @property
    def per_frame(self) -> float:
        return self.seconds / self.frames

    @property
    def start_seconds(self) -> float:
        """Until the first frame begins."""
        return self.seconds - self.frames_seconds

    @property
    def idle_per_frame(self) -> float:
        """Seconds between two frames in which no Blender is at one; means nothing with several Blenders."""
        return (self.frames_seconds - self.blender_seconds) / self.frames

    def to_map(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "pictures": str(self.pictures), "calls": dict(self.calls)}
