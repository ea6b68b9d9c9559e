"""The `farm` command."""

from __future__ import annotations

import typer

from farm.local.commands import app as local
from farm.simulate.commands import simulate

app = typer.Typer(
    name="farm",
    help="Render Blender files on a farm.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(local, name="local")
app.command(name="simulate")(simulate)


@app.callback()
def _root() -> None:
    """Render Blender files on a farm."""


def main() -> None:
    app(prog_name="farm")
