"""Checks of this computer."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from contract.runtimes import RuntimeSpec
from farm.doctor.finding import Said, broken, warning, well
from farm.local.blenders import NoBlenderError
from farm.local.cage import CageHere

SERIES: Final = (3, 11)
OLDEST_PYTHON: Final = (3, 11, 4)
LOW_BYTES: Final = 5 * 1024**3
NO_BYTES: Final = 512 * 1024**2
_GIGABYTE: Final = 1024**3


def python(found: tuple[int, ...] = sys.version_info[:3]) -> Said:
    words = "Python " + ".".join(map(str, found))
    if found[:2] != SERIES or found < OLDEST_PYTHON:
        return broken(f"{words} does not fit", "3.11.4 or a later 3.11 is needed: `make .venv` with one")
    return well(words)


def blender(find: Callable[[], Sequence[RuntimeSpec]]) -> Said:
    """The Blenders of this computer: for a laptop farm and for estimates. A farm on AWS needs none here."""
    try:
        found = find()
    except NoBlenderError as error:
        return warning(
            str(error), "a farm on AWS needs no Blender here; a laptop farm and `farm estimate` do"
        )
    return well(", ".join(f"Blender {runtime}" for runtime in found))


def cage(here: CageHere) -> Said:
    """What Blender is held by on this computer; on AWS every worker has a cage."""
    if here.options is None:
        return warning(
            f"there is no cage for Blender here: {here.problem}",
            "without it a laptop farm runs no file's own scripts, and a file can do what you can",
        )
    return well(here.words)


def disk(folder: Path, free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free) -> Said:
    """Room on the disk that holds a folder, or will hold it."""
    while not folder.exists():
        folder = folder.parent
    room = free(folder)
    words = f"{room / _GIGABYTE:.1f} GB are free at {folder}"
    if room < NO_BYTES:
        return broken(words, "make room: jobs fail when the disk is full")
    if room < LOW_BYTES:
        return warning(words, "make room: scenes, frames and Blender's caches need some GB")
    return well(words)
