"""Compiling the Python files that an installed Blender loads as it starts: its cage lets it write none."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from worker_agent.blender import Runtime
from worker_agent.blender.runtime import child_environment
from worker_agent.runtimes.commands import run
from worker_agent.runtimes.errors import InstallError

log = logging.getLogger(__name__)

SCRIPT: Final = Path(__file__).with_name("compile_loaded.py")
COMPILE_SECONDS: Final = 120


def compile_what_it_loads(start: Path, folder: Path, *, stopped: Callable[[], bool]) -> None:
    """`start` is the Blender's executable or Python in `folder`. Without, each start compiles them anew: so a
    failure is a warning. It sees of the environment what any Blender does. Raises InterruptedTaskError.
    """
    command = Runtime.of(start).argv(SCRIPT, (str(folder.absolute()),))
    try:
        with TemporaryDirectory(ignore_cleanup_errors=True) as home:
            said = run(
                command,
                what=f"{start} is not compiled",
                seconds=COMPILE_SECONDS,
                stopped=stopped,
                environment=child_environment(Path(home), os.environ),
            )
    except (InstallError, OSError) as error:
        log.warning("each start of this Blender will take longer: %s", error)
    else:
        log.info("%s", said.strip().rpartition("\n")[2])
