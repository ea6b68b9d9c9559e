"""Picture files of every kind that a frame may be, made by OpenImageIO and Pillow without Blender."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO
from PIL import Image


def gradient(width: int, height: int, channels: int = 3) -> Any:
    """Floats from 0 to 1: red grows to the right, green downwards, blue is a quarter, alpha a half."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    layers = [x, y, np.full_like(x, 0.25), np.full_like(x, 0.5)]
    return np.stack(layers[:channels], axis=2).astype(np.float32)


def write(path: Path, pixels: Any, kind: str = "half", names: Sequence[str] = (), **attributes: Any) -> Path:
    """`kind` is OpenImageIO's name of a channel's type."""
    height, width, channels = pixels.shape
    spec = OpenImageIO.ImageSpec(width, height, channels, kind)
    if names:
        spec.channelnames = tuple(names)
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    output = OpenImageIO.ImageOutput.create(str(path))
    assert output.open(str(path), spec) and output.write_image(pixels) and output.close()
    return path


def jpeg_size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (image.format, image.mode) == ("JPEG", "RGB")
        return image.size


def jpeg_pixels(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image).astype(int)
