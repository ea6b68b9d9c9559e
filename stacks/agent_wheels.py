"""The agent's packages as wheels, so that a machine needs no package index when it boots.

They are downloaded at synth, once for each state of worker_agent/boot/packages.txt, and kept in the checkout.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from aws_cdk import AssetHashType
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from stacks.assets import ROOT

PACKAGES: Final = ROOT / "worker_agent/boot/packages.txt"
KEPT: Final = ROOT / ".farm/wheels"
_PLATFORMS: Final = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""Of Amazon Linux 2023, which has glibc 2.34, and what it runs as well."""
_DOWNLOAD_SECONDS: Final = 900


class WheelsError(RuntimeError):
    """The packages could not be downloaded; the message says which, why, and what may be done."""


def downloaded_wheels(packages: Path = PACKAGES, kept: Path = KEPT) -> Path:
    """The folder with a wheel of each package. Raises WheelsError."""
    folder = kept / packages_hash(packages)
    if folder.is_dir():
        return folder
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    unfinished.mkdir(parents=True, exist_ok=True)
    try:
        _download(packages, unfinished)
        if not folder.is_dir():  # another made it meanwhile
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def agent_wheels(scope: Construct, construct_id: str, folder: Path) -> Asset:
    """Uploaded once for each state of the pins, whose hash it has."""
    return Asset(
        scope,
        construct_id,
        path=str(folder),
        asset_hash=packages_hash(),
        asset_hash_type=AssetHashType.CUSTOM,
    )


def packages_hash(packages: Path = PACKAGES) -> str:
    return hashlib.sha256(packages.read_bytes()).hexdigest()


def _download(packages: Path, folder: Path) -> None:
    platforms = [part for name in _PLATFORMS for part in ("--platform", f"{name}_x86_64")]
    where = [*platforms, "--python-version", "3.11", "--implementation", "cp", "--dest", str(folder)]
    what = ["--require-hashes", "--only-binary=:all:", "--no-deps", "--requirement", str(packages)]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        *where,
        *what,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False)
        said = done.stderr.strip().splitlines() if done.returncode else None
    except subprocess.TimeoutExpired:
        said = [f"it was not done within {_DOWNLOAD_SECONDS} s"]
    if said is not None:
        raise WheelsError(
            f"the agent's packages ({packages}) could not be downloaded for the workers: "
            f"{' '.join(said[-2:])[:500]}. Expected a package index: connect this computer, or deploy with "
            "an image that has them (node_image_prepared=yes)"
        )
