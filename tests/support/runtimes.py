"""The Blenders that tests use besides the bpy of this Python. CI must have them; elsewhere tests skip."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

from contract.runtimes import RuntimeSpec
from farm.local.pythons import find_python
from farm.local.settings import blender_folder
from worker_agent.runtimes.shelf import BlenderShelf

VERSION_5_2 = "5.2.3"


def executable() -> Path:
    """Debian's Blender: an executable, which can simulate fluids, of the series 3.4."""
    found = shutil.which("blender") or "/usr/bin/blender"
    return Path(found) if Path(found).is_file() else _without("`blender` is not installed")


@cache
def series_5_2() -> Path:
    """A Python that has bpy 5.2.3, installed by the farm's own installer and kept."""
    python = find_python("3.13", os.environ)
    if python is None:
        _without("bpy 5.2.3 needs Python 3.13, which is not installed")
    spec = RuntimeSpec(version=VERSION_5_2, wheel_python=str(python))
    return BlenderShelf([spec], blender_folder(os.environ)).runtime(spec).path


def _without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
