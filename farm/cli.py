"""The `farm` command: each command's function is in `farm.commands`, and registered here."""

from __future__ import annotations

import gc
from typing import Annotated, Final

import typer

from farm.chosen_farm import FARM_NAME
from farm.commands.act import cancel, release, retry
from farm.commands.doctor import doctor
from farm.commands.download import download
from farm.commands.estimate import estimate
from farm.commands.jobs import jobs
from farm.commands.logs import logs
from farm.commands.open import open_dashboard
from farm.commands.resume import resume
from farm.commands.status import status
from farm.commands.submit import submit
from farm.commands.watch import watch
from farm.late_rich import import_rarely_used_late
from farm.local.commands import app as local
from farm.simulate.commands import simulate

JOBS: Final = "Jobs"
THE_FARM: Final = "The farm"
_GARBAGE_OBJECTS: Final = 100_000
"""So many new objects must there be before Python looks which of them are garbage."""

app = typer.Typer(
    name="farm",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command(rich_help_panel=JOBS)(submit)
app.command(rich_help_panel=JOBS)(estimate)
app.command(rich_help_panel=JOBS)(jobs)
app.command(rich_help_panel=JOBS)(status)
app.command(rich_help_panel=JOBS)(watch)
app.command(rich_help_panel=JOBS)(logs)
app.command(rich_help_panel=JOBS)(download)
app.command(rich_help_panel=JOBS)(cancel)
app.command(rich_help_panel=JOBS)(retry)
app.command(rich_help_panel=JOBS)(release)
app.command("open", rich_help_panel=THE_FARM)(open_dashboard)
app.command(rich_help_panel=THE_FARM)(doctor)
app.command(rich_help_panel=THE_FARM)(resume)
app.command(rich_help_panel=THE_FARM)(simulate)
app.add_typer(local, name="local", rich_help_panel=THE_FARM)


@app.callback()
def _root(
    context: typer.Context,
    farm: Annotated[
        str | None,
        typer.Option(
            "--farm",
            metavar="NAME",
            envvar=FARM_NAME,
            help="The farm that is meant: the name it was deployed with, or `local` for the one on this "
            "computer. Not needed where there is but one.",
        ),
    ] = None,
) -> None:
    """Render Blender files on a farm, on AWS or on this computer.

    Exit status: 0 well, 1 the job or the farm failed, 2 misused, 130 interrupted by Ctrl-C.
    """
    context.obj = farm


def main() -> None:
    # looking for garbage among a thousand records takes a tenth of the time that they take
    gc.set_threshold(_GARBAGE_OBJECTS)
    import_rarely_used_late()
    app(prog_name="farm")
