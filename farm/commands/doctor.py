"""`farm doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from farm.commands.asked import JsonOption, chosen_farm, print_json
from farm.plain_errors import FAILED, MisusedError, plain_errors

if TYPE_CHECKING:
    from farm.doctor.finding import Finding


_LIVE_HELP = (
    "Render three frames on the farm, and see whether AWS does what the farm takes it to do: in ten minutes,"
    " for less than a dollar, and nothing of it stays."
)
_YES_HELP = "With --live: do not ask, it may cost what it says."


def doctor(
    context: typer.Context,
    live: Annotated[bool, typer.Option("--live", help=_LIVE_HELP)] = False,
    yes: Annotated[bool, typer.Option("--yes", help=_YES_HELP)] = False,
    json: JsonOption = False,
) -> None:
    """Check this computer and the farm, and say what to do about what is wrong.

    Exit status 1 when something is broken, or with --live not so; warnings alone leave it at 0.
    """
    if live:
        from farm.commands.doctor_live import examine_live

        with plain_errors():
            farm = chosen_farm(context)
        examine_live(farm, yes=yes, json=json)
        return
    if yes:
        with plain_errors():
            raise MisusedError("--yes goes with --live: without it nothing is asked")
    from farm.doctor.examination import checks
    from farm.doctor.finding import Level, examine

    found: list[Finding] = []
    with plain_errors():
        for finding in examine(checks(context.obj)):
            found.append(finding)
            if not json:
                _print(finding)
    broken = [finding for finding in found if finding.level is Level.BROKEN]
    warned = [finding for finding in found if finding.level is Level.WARNING]
    if json:
        print_json({"well": not broken, "checks": [finding.to_map() for finding in found]})
    else:
        _sum_up(len(broken), len(warned))
    if broken:
        raise typer.Exit(FAILED)


def _print(finding: Finding) -> None:
    from farm.screen import say, standard_output

    console = standard_output()
    style = {"✗": "red", "!": "yellow"}.get(finding.level.mark, "")
    say(console, f"{finding.level.mark} {finding.check:<13}{finding.words}", style)
    if finding.advice:
        say(console, f"  {'':<13}→ {finding.advice}")


def _sum_up(broken: int, warned: int) -> None:
    from farm.screen import say, standard_output

    if broken:
        say(standard_output(), f"{broken} broken, {warned} to look at", "red")
    else:
        say(standard_output(), f"all is well, {warned} to look at" if warned else "all is well", "green")
