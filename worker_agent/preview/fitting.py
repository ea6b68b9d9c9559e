"""Pictures brought to one size."""

from __future__ import annotations

from PIL import Image


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The whole of it in the middle of a picture of that size, black beside it; an enlarged edge of one
    pixel is its own."""
    if image.size == (width, height):
        return image
    if (width - image.width, height - image.height) in ((0, 1), (1, 0), (1, 1)):
        grown = Image.new("RGB", (width, height))
        grown.paste(image, (width - image.width, height - image.height))
        grown.paste(image, (0, 0))  # what is left of the first one is its last column and row
        return grown
    factor = min(width / image.width, height / image.height)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    boxed = Image.new("RGB", (width, height))
    boxed.paste(
        image.resize(size, Image.Resampling.LANCZOS), ((width - size[0]) // 2, (height - size[1]) // 2)
    )
    return boxed
