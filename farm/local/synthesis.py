"""The templates that the CDK app makes, kept: an app that has not changed makes the same ones again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from farm.local.cdk import Cdk
from farm.local.settings import ROOT
from stacks.farm_version import code_hash

KEPT: Final = ROOT / ".farm" / "synthesized"
_KEPT_SECONDS: Final = 24 * 3600
"""Since its last use: another farm of this checkout may be deploying from it."""
_DEPLOYED: Final = (
    "app.py",
    "cdk.json",
    "requirements.txt",
    "stacks",
    "functions",
    "contract",
    "worker_agent",
    "farm/local",
)


def fingerprint(root: Path = ROOT) -> str:
    """A hash of all code that a running laptop farm has in it: it changes when a deploy is due."""
    return code_hash(root, _DEPLOYED)


def synthesized(
    cdk: Cdk, variables: Mapping[str, str], begin: Callable[[], object], *, kept: Path = KEPT
) -> Path:
    """The folder of templates and assets of this code with these variables. Raises DeployError."""
    said = json.dumps([fingerprint(), sorted(variables.items())])
    folder = kept / hashlib.sha256(said.encode()).hexdigest()[:16]
    if not folder.is_dir():
        begin()
        _forget_old(kept)
        _synthesize(cdk, variables, folder)
    os.utime(folder)
    return folder


def _synthesize(cdk: Cdk, variables: Mapping[str, str], folder: Path) -> None:
    """Whole or not at all: two farms may come up at once, and one may be stopped."""
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    context = [part for item in variables.items() for part in ("--context", "=".join(item))]
    try:
        for _ in cdk.run("synth", "--quiet", "--output", str(unfinished), *context, folder=ROOT):
            pass
        with suppress(OSError):  # another made it meanwhile
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _forget_old(kept: Path) -> None:
    for folder in kept.glob("*"):
        if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
