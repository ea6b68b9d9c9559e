"""The page as a process of the laptop farm: `python -m farm.local.page.server PORT`."""

from __future__ import annotations

import os
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Final

import uvicorn

from farm.local import clients, emulator, processes
from farm.local.page.console import Console
from farm.local.page.guard import Doorman
from farm.local.page.lifecycle import GRACE_SECONDS
from farm.local.page.site import make_site
from farm.local.settings import LocalSettings
from farm.local.state import StateFolder

LOOPBACK: Final = "127.0.0.1"
LOOK_SECONDS: Final = 1.0


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM, or until the emulator is gone."""
    port = int(arguments[0])
    state = StateFolder(LocalSettings.from_env(os.environ).state_dir)
    farm, machine = state.read_farm(), emulator.running(state)
    if farm is None or not farm.outputs or machine is None:
        print("the laptop farm is down: there is nothing to show", file=sys.stderr)
        return 1
    console = Console(
        functions=clients.functions(farm.endpoint),
        cloudwatch=clients.metrics(farm.endpoint),
        dashboard_name=farm.outputs["DashboardName"],
        action_function=farm.outputs["JobActionFunctionName"],
        now=lambda: datetime.now(UTC),
    )
    server = uvicorn.Server(
        uvicorn.Config(
            make_site(console, Doorman(port)),
            host=LOOPBACK,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    threading.Thread(target=_end_with, args=(machine, server), daemon=True).start()
    server.run()
    return 0


def _end_with(machine: processes.ProcessRecord, server: uvicorn.Server) -> None:
    while machine.alive:
        time.sleep(LOOK_SECONDS)
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
