"""A system's root folder as it comes from Debian, made once and kept: the nearest to Amazon Linux that a test
can make from packages of this computer's own distribution.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from farm.local.settings import blender_folder

_SUITE: Final = "bookworm"
_MIRROR: Final = "http://deb.debian.org/debian"
_BASE: Final = ("ca-certificates", "curl", "python3")
"""Amazon's image has these, too."""
DEBIAN_NAMES: Final = {
    "python3.11": "",
    "amazon-efs-utils": "",
    "bubblewrap": "bubblewrap",
    "xfsprogs": "xfsprogs",
    "libX11": "libx11-6",
    "libXi": "libxi6",
    "libXxf86vm": "libxxf86vm1",
    "libXfixes": "libxfixes3",
    "libXrender": "libxrender1",
    "libXext": "libxext6",
    "libxkbcommon": "libxkbcommon0",
    "libSM": "libsm6",
    "libICE": "libice6",
    "mesa-libGL": "libglvnd0",
    "mesa-libEGL": "libglvnd0",
    "libgomp": "libgomp1",
}
"""By Amazon's names. Of the first two there are stand-ins; nothing here draws with Mesa."""
_SECONDS: Final = 900


def clean_root() -> Path:
    """The folder; nobody writes to it. Skips the test where none can be made, but not in CI."""
    if os.getuid() != 0:
        _without("only root can make a system's root folder")
    if not shutil.which("debootstrap"):
        _without("`debootstrap` is not installed")
    recipe = repr((_SUITE, _BASE, sorted(DEBIAN_NAMES.values())))
    folder = blender_folder(os.environ).parent / "boot-roots"
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / hashlib.sha256(recipe.encode()).hexdigest()[:12]
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            part = folder / f"{root.name}.part"
            shutil.rmtree(part, ignore_errors=True)
            _make(part)
            part.rename(root)
    return root


def _make(root: Path) -> None:
    """With what the stand-in for dnf installs at hand, but not installed."""
    include = f"--include={','.join(_BASE)}"
    _run("debootstrap", "--variant=minbase", include, _SUITE, str(root), _MIRROR)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    names = sorted(filter(None, set(DEBIAN_NAMES.values())))
    fetch = ["apt-get", "install", "--yes", "--no-install-recommends", "--download-only", *names]
    _run("chroot", str(root), "apt-get", "clean")
    _run("chroot", str(root), *fetch)
    (root / "etc/resolv.conf").unlink()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        _without(f"{command[0]} could not make a root folder: {(done.stderr or done.stdout)[-500:]}")


def _without(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
