"""MiniStack, the AWS emulator, as a process of ours that only this computer can reach."""

from __future__ import annotations

import os
import socket
import sys
import time
import urllib.error
import urllib.request

from farm.local.environment import ACCOUNT, REGION, child_environment
from farm.local.processes import ProcessRecord, forget, record, recorded, spawn, stop
from farm.local.settings import ROOT
from farm.local.state import StateFolder
from farm.plain_errors import PlainError

NAME = "emulator"
START_SECONDS = 60
_HEALTH = "/_ministack/health"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmulatorError(PlainError):
    """The emulator did not start; the message names its log."""


def running(state: StateFolder) -> ProcessRecord | None:
    return recorded(state, NAME)


def healthy(endpoint: str) -> bool:
    """Whether the emulator answers."""
    try:
        with _direct.open(endpoint + _HEALTH, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def start(state: StateFolder) -> str:
    """Start it on a free port and wait until it answers; its endpoint. Raises EmulatorError."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    log = state.logs / f"{NAME}.log"
    env = child_environment(os.environ, endpoint=endpoint, state_dir=state.root) | {
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "STATE_DIR": str(state.temporary / "state"),
        "S3_DATA_DIR": str(state.temporary / "s3"),
        "TMPDIR": str(state.temporary),
    }
    process = spawn([sys.executable, "-m", "ministack"], env=env, log=log, cwd=ROOT)
    record(state, NAME, process.pid)
    deadline = time.monotonic() + START_SECONDS
    while not healthy(endpoint):
        if process.poll() is not None:
            raise EmulatorError(f"the AWS emulator ended at once (exit {process.returncode}): see {log}")
        if time.monotonic() > deadline:
            raise EmulatorError(f"the AWS emulator did not answer within {START_SECONDS} s: see {log}")
        time.sleep(0.1)
    return endpoint


def end(state: StateFolder) -> None:
    process = running(state)
    if process:
        stop(process, grace_seconds=5)
    forget(state, NAME)


def free_port() -> int:
    """A port of this computer that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
