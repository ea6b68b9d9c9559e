"""`farm download`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farm.commands.asked import JobArgument, JsonOption, chosen_farm, print_json
from farm.plain_errors import FAILED, plain_errors


def download(
    context: typer.Context,
    job: JobArgument,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Where to. Without it, out/<job id>.", show_default=False),
    ] = None,
    no_follow: Annotated[
        bool, typer.Option("--no-follow", help="Take what is there, and do not wait for the rest.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Take a job's frames and its preview home, to the end of a job that still renders.

    Each file is verified. What is here already is not fetched again, and a
    download that broke off goes on when the same command is given again. Of a
    job that failed, Blender's logs come as well.
    """
    from farm.bring_home import bring_home, say_files, take_what_is_there
    from farm.find_job import find_job
    from farm.screen import make_screen, say, standard_error, standard_output
    from farm.transfer.job_files import JobFiles
    from farm.watch import Watch

    with plain_errors():
        chosen = chosen_farm(context)
        found = find_job(chosen.records, job)
        into = folder or Path("out") / found.job_id
        with (
            make_screen(standard_error()) as screen,
            JobFiles(farm=chosen.farm, folder=into, screen=screen) as files,
        ):
            if no_follow:
                well = take_what_is_there(chosen.records, found, files)
                say_files(files)
            else:
                watch = Watch(
                    records=chosen.records, job_id=found.job_id, screen=screen, explain=chosen.explain
                )
                found, well = bring_home(watch, files)
        if json:
            print_json({"job_id": found.job_id, "state": str(found.state), **files.to_map()})
        else:
            say(standard_output(), str(into))
    if not well:
        raise typer.Exit(FAILED)
