"""Helpers for tests with a real Blender session: start one, compare its pictures."""

import shutil
import sys
from pathlib import Path

from PIL import Image, ImageChops

from tests.support.scenes import scene_file
from worker_agent.blender import BlenderSession, RenderedFrame, Runtime

SECONDS = 60.0


def start_session(folder: Path, blender: str = sys.executable) -> BlenderSession:
    """A session with the bpy of this Python, or another Blender; its home and its log are in `folder`."""
    return BlenderSession.start(
        runtime=Runtime.of(blender),
        workdir=folder / "work",
        log_path=folder / "blender.log",
        start_timeout_seconds=SECONDS,
    )


def fake_runtime(folder: Path, behaviour: str) -> Runtime:
    """A runtime in the form of an executable that misbehaves as told (see fake_blender.py)."""
    folder.mkdir(parents=True, exist_ok=True)
    fake = Path(__file__).parent / "fake_blender.py"
    path = folder / "blender"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake}" {behaviour} "{folder}" "$@"\n')
    path.chmod(0o755)
    return Runtime.of(path)


def copied_scene(name: str, folder: Path) -> Path:
    """A private copy of a test scene."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(scene_file(name), folder / f"{name}.blend"))


def render(session: BlenderSession, frames: list[int], output: Path) -> list[RenderedFrame]:
    return list(session.render(frames, output, SECONDS))


def same_picture(one: Path, other: Path) -> bool:
    """Equal but for 1/255 on at most 0.1 % of the pixels, Blender's own run-to-run noise."""
    with Image.open(one) as first, Image.open(other) as second:
        if first.size != second.size:
            return False
        difference = ImageChops.difference(first.convert("RGB"), second.convert("RGB"))
    red, green, blue = difference.split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()
    different = sum(worst[1:])
    return sum(worst[2:]) == 0 and different <= max(1, sum(worst) // 1000)
