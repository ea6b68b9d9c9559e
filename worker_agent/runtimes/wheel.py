"""Installing Blender as a Python module: the `bpy` wheel in an environment of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from worker_agent.runtimes.commands import run
from worker_agent.runtimes.errors import InstallError

INSTALL_SECONDS = 1_800
PINS = Path(__file__).resolve().parents[2] / "requirements.txt"
"""What a wheel brings with it has the versions named here."""


def install_wheel(version: str, python: str, folder: Path, *, stopped: Callable[[], bool]) -> Path:
    """Make an environment of `python` with bpy inside `folder`, and return it: it may be moved.

    Raises InstallError, InterruptedTaskError.
    """
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        raise InstallError(f"the wheel of Blender {version} is installed by uv, which is not at {uv}")
    what = f"Blender {version} could not be installed as a module of {python}"
    quiet = ["--quiet", "--no-progress", "--no-python-downloads"]
    environment = folder / "bpy"
    make = [str(uv), "venv", *quiet, "--relocatable", "--python", python, str(environment)]
    run(make, what=what, seconds=INSTALL_SECONDS, stopped=stopped)
    there = ["--python", str(environment / "bin/python"), "--constraint", str(PINS)]
    fill = [str(uv), "pip", "install", *quiet, *there, f"bpy=={version}"]
    run(fill, what=what, seconds=INSTALL_SECONDS, stopped=stopped)
    return environment
