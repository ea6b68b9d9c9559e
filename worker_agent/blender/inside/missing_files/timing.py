"""Which file of a sequence Blender reads at a frame of the scene."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageTiming:
    """How a user of an image sequence counts."""

    start: int
    duration: int
    offset: int
    cyclic: bool

    def numbers(self, frames: "list[int]") -> "list[int]":
        """The numbers of the files that these frames show, each once, in order.

        Before its start a sequence shows what its author saw there, mostly nothing: not asked for.
        """
        if self.duration < 1:
            return []
        indices = (frame - self.start + 1 for frame in frames)
        if self.cyclic:
            shown = {(index - 1) % self.duration + 1 for index in indices}
        else:
            shown = {min(index, self.duration) for index in indices if index >= 1}
        return [index + self.offset for index in sorted(shown)]


def volume_numbers(frames: "list[int]", *, start: int, duration: int, offset: int, mode: str) -> "list[int]":
    """The same for a volume sequence, with its mode CLIP, EXTEND, REPEAT or PING_PONG."""
    if duration < 1:
        return []
    shown = {_volume_index(frame - start + 1, duration, mode) for frame in frames}
    return [index + offset for index in sorted(shown - {0})]


def _volume_index(index: int, duration: int, mode: str) -> int:
    """From 1 to `duration`; 0 for nothing."""
    if mode == "CLIP":
        return index if 1 <= index <= duration else 0
    if mode == "EXTEND":
        return min(max(index, 1), duration)
    if mode == "REPEAT" or duration == 1:
        return (index - 1) % duration + 1
    there_and_back = 2 * duration - 2
    index = (index - 1) % there_and_back + 1
    return index if index <= duration else 2 * duration - index
