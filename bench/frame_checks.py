"""What a frame costs the agent's decoder: `python -m bench.frame_checks`, half a minute.

Processor milliseconds of the decoder for the check alone, and for check and small pictures: medians of three
turns each, of many frames. The time that the agent waits for it is longer: it is nice to Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import psutil
from PIL import Image

from bench.linear_frames import write_linear
from bench.preview import shown_by_agx
from worker_agent.blender import FrameOutputs, MainPicture, RenderedFrame
from worker_agent.output_check import OutputChecker

_TURNS: Final = 3
_SIZES: Final = {(1920, 1080): 12, (320, 180): 200}
"""How many frames of each in a turn: the system counts processor time in steps of 10 ms."""
_KINDS: Final = {
    "PNG": ("RGB", ".png"),
    "PNG with alpha": ("RGBA", ".png"),
    "JPEG": ("RGB", ".jpg"),
    "EXR, AgX": ("half", ".exr"),
}
_FORMATS: Final = {".png": "PNG", ".jpg": "JPEG", ".exr": "OPEN_EXR"}
_AS_IT_IS: Final[dict[str, Any]] = {
    "config": "",
    "stored_in": "",
    "display": "sRGB",
    "view": "Standard",
    "look": "None",
    "exposure": 0.0,
    "gamma": 1.0,
    "curves": False,
    "white_balance": False,
}
"""Colours that are stored as they are shown: what view_transform takes."""


def main() -> None:
    print(f"{'':<26} {'check':>9} {'with small pictures':>21} {'proxy':>9} {'thumbnail':>10}")
    checker = OutputChecker()
    checker.start()
    try:
        with TemporaryDirectory(prefix="bench-checks-") as folder:
            for (width, height), frames in _SIZES.items():
                for kind, (mode, suffix) in _KINDS.items():
                    file = Path(folder, f"{width}-{mode}{suffix}")
                    _write(file, width, height, mode)
                    print(f"{f'{width}×{height} {kind}':<26} {_measured(checker, file, frames)}")
    finally:
        checker.close()


def _measured(checker: OutputChecker, file: Path, frames: int) -> str:
    assert checker.pid
    process = psutil.Process(checker.pid)
    taken: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(2 * _TURNS):
        shown = _shown(file) if turn % 2 else None
        before = process.cpu_times()
        for _ in range(frames):
            pictures = _check(checker, file, shown)
        after = process.cpu_times()
        taken[bool(shown)].append(after.user + after.system - before.user - before.system)
    assert pictures, "no small pictures were made"
    alone, both = (1000 * median(taken[kind]) / frames for kind in (False, True))
    sizes = f"{len(pictures.proxy) / 1000:6.0f} kB {len(pictures.thumbnail) / 1000:7.1f} kB"
    return f"{alone:6.1f} ms {both:18.1f} ms {sizes}"


def _check(checker: OutputChecker, file: Path, shown: Mapping[str, Any] | None) -> Any:
    bits = 16 if file.suffix == ".exr" else 8
    main = MainPicture(("",), file.suffix, _FORMATS[file.suffix], bits, False, 0, 0)
    (file.parent / f"0001{file.suffix}").unlink(missing_ok=True)
    (file.parent / f"0001{file.suffix}").hardlink_to(file)
    frame = RenderedFrame(1, 1.0, (f"0001{file.suffix}",), "")
    return checker.check(frame, file.parent, FrameOutputs(main, ()), shown)


def _shown(file: Path) -> dict[str, Any]:
    return shown_by_agx() if file.suffix == ".exr" else _AS_IT_IS


def _write(path: Path, width: int, height: int, mode: str) -> None:
    """Soft colours with the grain of a few samples."""
    if path.suffix == ".exr":
        write_linear(path, 1, width, height)
        return
    y, x = np.mgrid[0:height, 0:width]
    colors = np.stack(
        [110 * (1 + np.sin(x / 97)), 110 * (1 + np.cos(y / 53)), 110 * (1 + np.sin((x + y) / 31))], 2
    )
    grainy = colors + np.random.default_rng(1).normal(0, 4, colors.shape)
    image = Image.fromarray(np.clip(grainy, 0, 255).astype(np.uint8))
    image.convert(mode).save(path, compress_level=2, quality=90)  # each format heeds its own


if __name__ == "__main__":
    main()
