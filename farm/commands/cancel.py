"""`farm cancel`."""

from __future__ import annotations

import typer

from farm.commands.asked import JobArgument, JsonOption, chosen_farm, print_json
from farm.plain_errors import plain_errors


def cancel(context: typer.Context, job: JobArgument, json: JsonOption = False) -> None:
    """Cancel a job: its frames stop, and what is rendered of it stays."""
    from farm import control
    from farm.find_job import find_job
    from farm.screen import say, standard_output

    with plain_errors():
        chosen = chosen_farm(context)
        changed = control.cancel(chosen.farm, find_job(chosen.records, job).job_id)
    if json:
        print_json({"job_id": changed.job_id, "state": str(changed.state)})
    else:
        say(standard_output(), f"job {changed.job_id} is canceled: its workers let it go within a frame")
