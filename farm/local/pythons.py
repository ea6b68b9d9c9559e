"""Finds a Python of another series on this computer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

ASK_SECONDS = 20


def find_python(series: str, env: Mapping[str, str]) -> Path | None:
    """A Python of that series (such as 3.13) that starts, on PATH or among pyenv's; None: there is none."""
    return next((path for path in _candidates(series, env) if _starts(path, series)), None)


def _candidates(series: str, env: Mapping[str, str]) -> Iterator[Path]:
    for folder in env.get("PATH", "").split(os.pathsep):
        if folder:
            yield Path(folder, f"python{series}")
    # pyenv's own command on PATH starts only the versions that are switched on
    root = Path(env.get("PYENV_ROOT") or Path(env.get("HOME", "/"), ".pyenv"))
    yield from sorted(root.glob(f"versions/{series}.*/bin/python{series}"), reverse=True)


def _starts(path: Path, series: str) -> bool:
    if not path.is_file():
        return False
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == series
