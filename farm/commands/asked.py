"""What all commands take and give: which farm and which job are meant, and JSON on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from farm.chosen_farm import ChosenFarm


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
JsonLinesOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per line, as it happens.")
]
JobArgument = Annotated[
    str,
    typer.Argument(metavar="JOB", help="A job's id, the beginning of it, or `latest`.", show_default=False),
]


def chosen_farm(context: typer.Context) -> ChosenFarm:
    """The farm that `--farm` or FARM_NAME names, or the only one. Raises WhichFarmError, MisusedError."""
    from farm.which_farm import which_farm

    chosen = which_farm(context.obj)
    if chosen.note:
        from farm.screen import say, standard_error

        say(standard_error(), chosen.note, "dim")
    return chosen


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """One document on standard output, on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, default=str) + "\n")
    sys.stdout.flush()
