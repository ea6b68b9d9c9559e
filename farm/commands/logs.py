"""`farm logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from farm.commands.asked import JobArgument, JsonOption, chosen_farm, print_json
from farm.plain_errors import MisusedError, plain_errors

if TYPE_CHECKING:
    from farm.job_logs import JobLogs


def logs(
    context: typer.Context,
    job: JobArgument,
    frame: Annotated[
        int | None,
        typer.Argument(metavar="[FRAME]", help="A frame's log. Without it, what was said while baking."),
    ] = None,
    attempt: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The log of the frame's failed attempt N.")
    ] = None,
    inspection: Annotated[
        bool, typer.Option("--inspection", help="What Blender said of the scene before it was baked.")
    ] = False,
    every: Annotated[bool, typer.Option("--list", help="List the job's logs.")] = False,
    json: JsonOption = False,
) -> None:
    """Show what Blender said: of the bake, or of a frame."""
    from farm.find_job import find_job
    from farm.job_logs import JobLogs
    from farm.screen import say, standard_error

    with plain_errors():
        if attempt is not None and frame is None:
            raise MisusedError("--attempt needs a FRAME")
        chosen = chosen_farm(context)
        found = JobLogs(chosen.farm, find_job(chosen.records, job))
        if every:
            _print_list(found, json=json)
            return
        log = found.meant(frame=frame, attempt=attempt, inspection=inspection)
        text = found.read(log)
    if json:
        print_json({"job_id": found.job.job_id, "name": log.name, "text": text})
        return
    say(standard_error(), f"{log.name} of {found.job.job_id}:", "dim")
    _print_text(text)


def _print_list(found: JobLogs, *, json: bool) -> None:
    from farm.listing import print_listing

    listed = list(found.listed())
    if json:
        print_json(
            [{"name": log.name, "bytes": log.size_bytes, "written_at": log.written_at} for log in listed]
        )
    else:
        print_listing(
            ("log", "bytes", "written (UTC)"),
            [(log.name, f"{log.size_bytes:,}", log.written_at[:19].replace("T", " ")) for log in listed],
        )


def _print_text(text: str) -> None:
    """Blender's words and a stranger's names: nothing that a terminal would obey."""
    from farm.printable import printable

    print(printable(text.expandtabs()), end="" if text.endswith("\n") else "\n")
