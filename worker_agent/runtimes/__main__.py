"""Installs Blenders before a job needs one, for an image: `python -m worker_agent.runtimes RUNTIMES FOLDER`.

Exit code 1: one could not be installed, and the reason was said.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from contract.blender_releases import DOWNLOADS
from contract.runtimes import RuntimesError, RuntimeSpec, parse_runtimes
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.runtimes.executable import install_executable
from worker_agent.runtimes.shelf import BlenderShelf, Stopped


def main(runtimes: str, folder: str, downloads: str = DOWNLOADS) -> int:
    """`runtimes` as a worker is told them (contract.runtimes); `downloads`: where releases are published."""
    try:
        specs = parse_runtimes(runtimes)
        shelf = BlenderShelf(specs, Path(folder), installer=partial(_install, downloads=downloads))
        for spec in specs:
            print(f"Blender {spec} is at {shelf.runtime(spec).path}", flush=True)
    except (RuntimesError, RuntimeUnavailableError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _install(spec: RuntimeSpec, folder: Path, stopped: Stopped, *, downloads: str) -> Path:
    return install_executable(spec.version, folder, stopped=stopped, base_url=downloads)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
