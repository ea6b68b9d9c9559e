"""What was found in a file, and in which words it is wrong."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One picture in a file (an EXR may have several). Sizes in pixels; the whole picture's may
    be larger than what has data."""

    width: int
    height: int
    whole_width: int
    whole_height: int
    bits: int
    layers: bool
    """Whether its channels have layers' names before their own."""

    @classmethod
    def from_json(cls, data: Any) -> "Part":
        """Raises KeyError, TypeError or ValueError: the decoder has read a stranger's file."""
        sizes = {name: int(data[name]) for name in ("width", "height", "whole_width", "whole_height", "bits")}
        return cls(**sizes, layers=bool(data["layers"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a main picture must be: 0 or False where nothing is asked."""

    width: int = 0
    height: int = 0
    bits: int = 0
    layers: bool = False

    def problem(self, parts: "tuple[Part, ...]") -> str | None:
        """ "has 960×540 pixels instead of 1920×1080", or None."""
        first = parts[0]
        if self.width and self.height:
            sizes = {(first.width, first.height), (first.whole_width, first.whole_height)}
            if (self.width, self.height) not in sizes:
                found = f"{first.whole_width}×{first.whole_height}"
                return f"has {found} pixels instead of {self.width}×{self.height}"
        if self.bits and first.bits != self.bits:
            return f"has {first.bits} bits a channel instead of {self.bits}"
        if self.layers and not any(part.layers for part in parts):
            return "has no layers, and a multilayer file was asked for"
        return None
