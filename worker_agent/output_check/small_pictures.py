"""The small pictures of a frame, made from its rows as they are decoded. Runs in the decoder only."""

from __future__ import annotations

import io
import math
from typing import Any, Final

import numpy as np
from PIL import Image

PROXY_PIXELS: Final = 1280
THUMBNAIL_PIXELS: Final = 192
"""Of the longer side, at most."""
THUMBNAIL_BYTES: Final = 6_000
"""A page holds dozens of them; a thumbnail of noise may have some more."""
_PROXY_QUALITY: Final = 92
_THUMBNAIL_QUALITIES: Final = (82, 70, 55, 40, 25)
_REDUCING_GAP: Final = 2.0
"""What is made much smaller is averaged first, to this many times its size at least: nobody sees the
difference, and it takes a quarter of the time (Pillow's Image.resize)."""
_COLLECTED_PIXELS: Final = 2 * PROXY_PIXELS
"""Whole steps of averaging lead to a picture of this size at most: a frame is never held as a whole."""


class SmallPictures:
    """Takes the rows of one picture, top to bottom, as they are shown: RGB of 8 bits."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._step = math.ceil(max(width, height) / _COLLECTED_PIXELS)
        size = (math.ceil(width / self._step), math.ceil(height / self._step))
        self._collected = Image.new("RGB", size)
        self._filled = 0
        self._waiting = np.empty((0, width, 3), np.uint8)

    def add(self, rows: Any) -> None:
        rows = np.concatenate((self._waiting, rows)) if len(self._waiting) else rows
        whole = len(rows) - len(rows) % self._step
        self._collect(rows[:whole])
        self._waiting = rows[whole:].copy()

    def finish(self) -> tuple[bytes, bytes]:
        """Thumbnail and proxy, both JPEG, of the rows that came."""
        self._collect(self._waiting)
        proxy = _fitted(self._collected, self._size, PROXY_PIXELS)
        thumbnail = _fitted(proxy, self._size, THUMBNAIL_PIXELS)
        for quality in _THUMBNAIL_QUALITIES:
            small = _jpeg(thumbnail, quality=quality, optimize=True)
            if len(small) <= THUMBNAIL_BYTES:
                break
        return small, _jpeg(proxy, quality=_PROXY_QUALITY, subsampling=0)

    def _collect(self, rows: Any) -> None:
        if not len(rows):
            return
        band = Image.fromarray(np.ascontiguousarray(rows))
        if self._step > 1:
            band = band.reduce(self._step)
        self._collected.paste(band, (0, self._filled))
        self._filled += band.height


def _fitted(image: Image.Image, whole: tuple[int, int], longest: int) -> Image.Image:
    """As a picture that was of the size `whole` once, its longer side no longer than that."""
    width, height = whole
    factor = min(1.0, longest / max(width, height))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return (
        image
        if size == image.size
        else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
    )


def _jpeg(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()
