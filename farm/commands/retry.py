"""`farm retry`."""

from __future__ import annotations

import typer

from farm.commands.asked import JobArgument, JsonOption, chosen_farm, print_json
from farm.plain_errors import plain_errors


def retry(context: typer.Context, job: JobArgument, json: JsonOption = False) -> None:
    """Render the failed and missing frames of an ended job, without baking again where that can be."""
    from farm import control
    from farm.find_job import find_job
    from farm.screen import say, standard_output

    with plain_errors():
        chosen = chosen_farm(context)
        changed = control.retry(chosen.farm, find_job(chosen.records, job).job_id)
    if json:
        print_json({"job_id": changed.job_id, "state": str(changed.state)})
    else:
        say(standard_output(), f"job {changed.job_id} is queued again, for the frames that are not done")
