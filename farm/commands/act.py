"""`farm cancel`, `farm retry` and `farm release`: what a person does to a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from farm.commands.asked import JobArgument, JsonOption, chosen_farm, print_json
from farm.plain_errors import plain_errors

if TYPE_CHECKING:
    from contract.job import Job
    from farm.jobs import Farm


def cancel(context: typer.Context, job: JobArgument, json: JsonOption = False) -> None:
    """Cancel a job: its frames stop, and what is rendered of it stays."""
    from farm import control

    _act(context, job, control.cancel, "is canceled: its workers let it go within 30 seconds", json=json)


def retry(context: typer.Context, job: JobArgument, json: JsonOption = False) -> None:
    """Render the failed and missing frames of an ended job; it bakes again only where it must."""
    from farm import control

    _act(context, job, control.retry, "is queued again, for the frames that are not done", json=json)


def release(context: typer.Context, job: JobArgument, json: JsonOption = False) -> None:
    """Let a job go on that the budget holds."""
    from farm import control

    _act(context, job, control.release, "is released: it is queued, whatever the budget says", json=json)


def _act(
    context: typer.Context, asked: str, action: Callable[[Farm, str], Job], done: str, *, json: bool
) -> None:
    from farm.find_job import find_job
    from farm.screen import say, standard_output

    with plain_errors():
        chosen = chosen_farm(context)
        changed = action(chosen.farm, find_job(chosen.records, asked).job_id)
    if json:
        print_json({"job_id": changed.job_id, "state": str(changed.state)})
    else:
        say(standard_output(), f"job {changed.job_id} {done}")
