"""Something like rendered frames, scene-linear: `python -m bench.linear_frames FOLDER COUNT WIDTH HEIGHT`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import OpenImageIO


def main(folder: str, count: str, width: str, height: str) -> None:
    """EXR files of half floats, 1.exr and so on."""
    for number in range(1, int(count) + 1):
        write_linear(Path(folder, f"{number}.exr"), number, int(width), int(height))


def write_linear(path: Path, number: int, width: int, height: int) -> None:
    """Soft colours from dark to far beyond white, with grain."""
    random = np.random.default_rng(number)
    across = np.linspace(0, 6, width, dtype=np.float32)
    x, y = np.meshgrid(across, np.linspace(0, 4, height, dtype=np.float32))
    layers = [np.exp(2 * np.sin(x * (1 + c / 3) + number) * np.cos(y + c + number / 2)) for c in range(3)]
    pixels = np.stack(layers, axis=2) * (0.97 + 0.06 * random.random((height, width, 1), np.float32))
    spec = OpenImageIO.ImageSpec(width, height, 3, "half")
    spec.attribute("compression", "zip")
    output = OpenImageIO.ImageOutput.create(str(path))
    if not (output.open(str(path), spec) and output.write_image(pixels) and output.close()):
        raise RuntimeError(output.geterror())


if __name__ == "__main__":
    main(*sys.argv[1:])
