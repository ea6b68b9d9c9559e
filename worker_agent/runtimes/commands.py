"""Running a program that may take long, in such a way that a worker which must go is not held up."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from worker_agent.runtimes.errors import InstallError
from worker_agent.tasks.outcome import InterruptedTaskError

_POLL_SECONDS = 0.2
_SAID_CHARACTERS = 1500


def run(
    command: Sequence[str],
    *,
    what: str,
    seconds: float,
    stopped: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> str:
    """What the command printed; without an `environment` it has this process's. Raises InstallError when it
    fails or takes longer than `seconds`, InterruptedTaskError when the worker must go; its processes are gone
    then.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise InstallError(f"{what}: {command[0]} cannot be run ({error.strerror})") from error
    try:
        said = _wait(process, what, seconds, stopped)
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        raise InstallError(f"{what}: exit {process.returncode}: {said.strip()[-_SAID_CHARACTERS:]}")
    return said


def _wait(process: subprocess.Popen[str], what: str, seconds: float, stopped: Callable[[], bool]) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return process.communicate(timeout=_POLL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            if stopped():
                raise InterruptedTaskError("the worker is stopping") from None
            if time.monotonic() > deadline:
                raise InstallError(f"{what}: not done within {seconds:.0f} s") from None
