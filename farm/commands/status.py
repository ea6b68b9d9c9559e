"""`farm status`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from farm.commands.asked import JobArgument, JsonOption, chosen_farm, print_json
from farm.plain_errors import plain_errors

if TYPE_CHECKING:
    from farm.job_status import JobStatus


def status(context: typer.Context, job: JobArgument, json: JsonOption = False) -> None:
    """Show a job: how far it is, its workers, its cost, what failed and why."""
    from farm.find_job import find_job
    from farm.job_status import job_status

    with plain_errors():
        chosen = chosen_farm(context)
        found = job_status(chosen.records, find_job(chosen.records, job), int(time.time()))
    if json:
        print_json(found.to_map())
    else:
        _print(found)


def _print(found: JobStatus) -> None:
    from farm.screen import say, standard_output

    console = standard_output()
    say(console, f"{found.view.job_id}  {found.view.name}", "bold")
    for head, text in found.lines():
        say(console, f"  {head:<10}{text}", "red" if head == "failed" else "")
