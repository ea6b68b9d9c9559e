"""Whether two runs made the same frames, but for what Blender itself differs by from one run to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops

TOLERATED_STEPS: Final = 1
TOLERATED_SHARE: Final = 0.001
"""Two runs of the same Blender differ by 1/255 on single pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    steps: int
    """The most that a channel of a pixel differs by, in 255ths."""
    pixels: int
    """That differ at all."""
    of: int

    def within(self, noise: Difference) -> bool:
        """Whether it is no more than the tolerance, or than Blender's own difference where that is more."""
        allowed = max(noise.pixels, 1, int(TOLERATED_SHARE * self.of))
        return self.steps <= max(noise.steps, TOLERATED_STEPS) and self.pixels <= allowed

    def __str__(self) -> str:
        return f"{self.pixels} of {self.of} pixels differ, by {self.steps}/255 at most"


class PicturesDifferError(Exception):
    """Names the scene, the contender and the frame."""


def compare(one: Path, other: Path) -> Difference:
    """Raises PicturesDifferError when their sizes do, or one is missing."""
    for path in (one, other):
        if not path.is_file():
            raise PicturesDifferError(f"there is no picture {path}")
    with Image.open(one) as first, Image.open(other) as second:
        if first.size != second.size:
            raise PicturesDifferError(f"{one} is {first.size}, {other} is {second.size} pixels large")
        difference = ImageChops.difference(first.convert("RGBA"), second.convert("RGBA"))
    worst = difference.getchannel(0)
    for channel in range(1, 4):
        worst = ImageChops.lighter(worst, difference.getchannel(channel))
    counts = worst.histogram()
    steps = max(step for step, count in enumerate(counts) if count)
    return Difference(steps=steps, pixels=sum(counts[1:]), of=sum(counts))


def own_noise(runs: Iterable[Path], name: str) -> Difference:
    """The most by which Blender's own pictures of a frame differ from the first run's."""
    first, *others = runs
    found = [compare(first / name, other / name) for other in others]
    return max(found, key=lambda each: (each.steps, each.pixels), default=compare(first / name, first / name))


def require_same(scene: str, raw: list[Path], contender: str, pictures: Path, frames: int) -> None:
    """Compare each frame with raw Blender's first run. Raises PicturesDifferError."""
    for frame in range(1, frames + 1):
        name = f"{frame:04d}.png"
        found, noise = compare(raw[0] / name, pictures / name), own_noise(raw, name)
        if not found.within(noise):
            raise PicturesDifferError(
                f"{scene}, frame {frame}: {contender} and raw Blender differ. {found}; "
                f"two runs of raw Blender: {noise}. See {pictures / name} and {raw[0] / name}"
            )
