"""`farm open`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from farm.commands.asked import JsonOption, chosen_farm, print_json
from farm.plain_errors import PlainError, plain_errors


def open_dashboard(
    context: typer.Context,
    job: Annotated[
        str | None, typer.Argument(metavar="[JOB]", help="A job that has to be there; it is on the page.")
    ] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Only print the address.")] = False,
    json: JsonOption = False,
) -> None:
    """Print the dashboard's address, and open it where there is a browser."""
    from farm.find_job import find_job

    with plain_errors():
        chosen = chosen_farm(context)
        if job is not None:
            find_job(chosen.records, job)
        if not chosen.dashboard_url:
            raise PlainError(f"the farm {chosen.name} has no dashboard: `farm jobs` lists its jobs")
    if json:
        print_json({"url": chosen.dashboard_url})
        return
    print(chosen.dashboard_url)
    if not only_print and _has_screen():
        import webbrowser

        webbrowser.open(chosen.dashboard_url)


def _has_screen() -> bool:
    """A browser in the terminal would take it over; one that cannot be seen is of no use."""
    if sys.platform == "darwin":
        return not os.environ.get("SSH_CONNECTION")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
