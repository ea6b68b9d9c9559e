"""`farm resume`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from farm.commands.asked import JsonOption, chosen_farm, print_json
from farm.plain_errors import plain_errors


def resume(context: typer.Context, json: JsonOption = False) -> None:
    """Start machines again after several in a row could not be set up.

    What kept them from it is to be mended first: the next ones try the same, and cost.
    """
    from farm.failed_boots import resume
    from farm.screen import say, standard_output

    with plain_errors():
        records = chosen_farm(context).farm.table
        forgotten = resume(records.meta.client, records.name)
    if json:
        print_json({"held": forgotten.hold, **asdict(forgotten)})
        return
    say(standard_output(), f"forgotten: {forgotten.words}")
    say(
        standard_output(),
        "machines are started again for the jobs that wait, within a minute or two"
        if forgotten.hold
        else "machines were started all the same: it takes more of them in a row to end that",
    )
