"""What stands in the place of a frame that has no picture, and letters beneath those that have."""

from __future__ import annotations

from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

_GROUND: Final = (58, 20, 24)
_STRIPE: Final = (84, 28, 32)
_INK: Final = (240, 214, 214)
_MOST_LETTERS: Final = 240
_SPELLED: Final = str.maketrans({"–": "-", "—": "-", "…": "...", "“": '"', "”": '"', "’": "'"})
"""What the font lacks, and our own sentences have."""
_SMALLEST_FONT, _LARGEST_FONT = 9, 44


def font(size: int) -> Any:
    """Pillow's own, which is on every machine."""
    return ImageFont.load_default(size)


def gap(width: int, height: int, text: str) -> Image.Image:
    """A striped picture that says why there is no other; with as much of the words as there is room for."""
    image = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(image)
    step = max(4, min(width, height) // 6)
    for x in range(-height, width, 2 * step):
        draw.line((x, height, x + height, 0), fill=_STRIPE, width=max(1, step // 2))
    letters = font(max(_SMALLEST_FONT, min(_LARGEST_FONT, height // 12, width // 16)))
    margin = width // 20
    lines = _wrapped(" ".join(text.translate(_SPELLED).split())[:_MOST_LETTERS], letters, width - 2 * margin)
    line_height = letters.getbbox("Ag")[3] + 2
    lines = lines[: max(1, (height - 2) // line_height)]
    top = (height - line_height * len(lines)) // 2
    for number, line in enumerate(lines):
        left = max(margin, (width - round(letters.getlength(line))) // 2)
        draw.text((left, top + number * line_height), line, font=letters, fill=_INK)
    return image


def _wrapped(text: str, letters: Any, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and letters.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
