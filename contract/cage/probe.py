"""Whether bubblewrap works on this machine, and which of its options it has."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from contract.cage.bubblewrap import PROGRAM, Confinement, caged

_SECONDS: Final = 20
_OPTION: Final = re.compile(r"^\s+(--[a-z-]+)", re.MULTILINE)
_INSTALL: Final = (
    "install bubblewrap (apt install bubblewrap, dnf install bubblewrap), and let its users have namespaces"
)


class CageUnavailableError(Exception):
    """There is no cage on this machine; the message says why, and what to do."""


def offered_options(bwrap: str = PROGRAM) -> frozenset[str]:
    """The options of this machine's bubblewrap. Raises CageUnavailableError unless it really makes a cage."""
    found = shutil.which(bwrap)
    if found is None:
        raise CageUnavailableError(f"{bwrap} is not on this machine: {_INSTALL}")
    offered = frozenset(_OPTION.findall(_run([found, "--help"])))
    with TemporaryDirectory(prefix="cage-") as folder:
        place = Path(folder)
        confinement = Confinement(readable=(), writable=(place,))
        command = ["/bin/sh", "-c", "echo works > it"]
        _run(caged(command, confinement, environment={}, folder=place, offered=offered, bwrap=found))
        if not (place / "it").is_file():
            raise CageUnavailableError(f"{found} starts a program that then does nothing: {_INSTALL}")
    return offered


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CageUnavailableError(f"{command[0]} cannot be run ({error}): {_INSTALL}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-300:]
        raise CageUnavailableError(
            f"{command[0]} cannot make a cage here (exit {done.returncode}: {said}): {_INSTALL}"
        )
    return done.stdout + done.stderr
