"""The `farm` command: each command's function is in `farm.commands`, and registered here."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from farm.chosen_farm import FARM_NAME
from farm.commands.cancel import cancel
from farm.commands.retry import retry
from farm.local.commands import app as local
from farm.simulate.commands import simulate

JOBS: Final = "Jobs"
RENDERING: Final = "Rendering"
THE_FARM: Final = "The farm"

app = typer.Typer(
    name="farm",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command(rich_help_panel=JOBS)(cancel)
app.command(rich_help_panel=JOBS)(retry)
app.add_typer(local, name="local", rich_help_panel=THE_FARM)
app.command(rich_help_panel=THE_FARM)(simulate)


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
    app(prog_name="farm")
