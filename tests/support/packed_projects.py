"""Projects as the packer plans them, packs them and the farm unpacks them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from farm.packing.archive import write_archive
from farm.packing.plan import Plan, plan
from tests.support.blender import SECONDS
from worker_agent.bundle import unpack


def look(blend: Path, scene: str | None = None) -> Plan:
    """A plan of which no file is open any more."""
    with ExitStack() as closing:
        return plan(blend, scene, closing)


def packed(blend: Path, folder: Path) -> Path:
    """The .blend in its archive, unpacked as the farm does it."""
    folder.mkdir()
    with ExitStack() as closing:
        found = plan(blend, None, closing)
        write_archive(found, folder / "scene.zip", lambda _: None)
    (folder / "project").mkdir()
    return unpack(folder / "scene.zip", folder / "project", found.entries[0].place)


def lacking(found: Plan) -> set[tuple[str, str]]:
    """Kind and path of what is missing."""
    return {(lack.kind, lack.path.replace("\\", "/")) for lack in found.missing}


def changed(blend: Path, code: str) -> None:
    """Run lines of Python in a Blender that has the file open."""
    program = f"import bpy, os, sys; bpy.ops.wm.open_mainfile(filepath={str(blend)!r})\n{code}\nos._exit(0)"
    env = {**os.environ, "TMPDIR": str(blend.parent)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True, timeout=SECONDS)
