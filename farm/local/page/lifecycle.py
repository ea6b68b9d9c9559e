"""Start the page with the farm, and end it."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from farm.local import processes
from farm.local.environment import child_environment
from farm.local.settings import ROOT, LocalSettings
from farm.local.state import FarmRecord, StateFolder

NAME: Final = "page"
HEALTH: Final = "/health"
START_SECONDS: Final = 60
GRACE_SECONDS: Final = 2
_SERVER: Final = "farm.local.page.server"
"""By its name: the web server's libraries are for that process alone."""
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class PageError(RuntimeError):
    """The page did not start; the message names its log."""


def running(state: StateFolder) -> processes.ProcessRecord | None:
    return processes.recorded(state, NAME)


def start(settings: LocalSettings, state: StateFolder, farm: FarmRecord, port: int) -> None:
    """Start it. It answers a second later."""
    env = child_environment(os.environ, endpoint=farm.endpoint, state_dir=state.root) | settings.to_env()
    command = [sys.executable, "-m", _SERVER, str(port)]
    process = processes.spawn(command, env=env, log=_log(state), cwd=ROOT)
    processes.record(state, NAME, process.pid)


def wait(state: StateFolder, url: str) -> None:
    """Until it answers. Raises PageError."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(url):
        if not running(state):
            raise PageError(f"the page ended at once: see {_log(state)}")
        if time.monotonic() > deadline:
            raise PageError(f"the page did not answer within {START_SECONDS} s: see {_log(state)}")
        time.sleep(0.1)


def stop(state: StateFolder) -> None:
    page = running(state)
    if page:
        processes.stop(page, grace_seconds=GRACE_SECONDS + 3)
    processes.forget(state, NAME)


def _answers(url: str) -> bool:
    try:
        with _direct.open(url + HEALTH, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _log(state: StateFolder) -> Path:
    return state.logs / f"{NAME}.log"
