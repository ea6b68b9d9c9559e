"""The Blenders that tests use besides the bpy of this Python. CI must have them; elsewhere tests skip."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest

from contract.runtimes import RuntimeForm, RuntimeSpec, form_of
from farm.local.pythons import find_python
from farm.local.settings import blender_folder
from worker_agent.runtimes.shelf import BlenderShelf

VERSION_5_2 = "5.2.3"


def executable() -> Path:
    """Debian's Blender: an executable, which can simulate fluids, of the series 3.4."""
    found = shutil.which("blender") or "/usr/bin/blender"
    return Path(found) if Path(found).is_file() else _without("`blender` is not installed")


def python_of_5_2() -> Path:
    """A Python that bpy 5.2.3 can be installed for."""
    return find_python("3.13", os.environ) or _without("bpy 5.2.3 needs Python 3.13, which is not installed")


@cache
def series_5_2() -> Path:
    """A Python that has bpy 5.2.3, installed by the farm's own installer and kept."""
    spec = RuntimeSpec(version=VERSION_5_2, wheel_python=str(python_of_5_2()))
    return BlenderShelf([spec], blender_folder(os.environ)).runtime(spec).path


def run_script(blender: str | Path, script: Path, *arguments: str) -> None:
    """Run a Python script in a Blender, executable or module; arguments come last in sys.argv."""
    command = [str(blender), str(script), *arguments]
    if form_of(str(blender)) is RuntimeForm.EXECUTABLE:
        command[1:2] = [
            "--background",
            "--factory-startup",
            "--python-exit-code",
            "3",
            "--python",
            str(script),
            "--",
        ]
    with TemporaryDirectory() as folder:  # fluids leave a file where they are started
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stdout[-800:] + done.stderr[-800:]


def _without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
