"""`farm watch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from farm.commands.asked import JobArgument, JsonLinesOption, chosen_farm
from farm.plain_errors import FAILED, plain_errors

if TYPE_CHECKING:
    from farm.chosen_farm import ChosenFarm
    from farm.screen import Screen


def watch(context: typer.Context, job: JobArgument, json: JsonLinesOption = False) -> None:
    """Watch a job until it ends. Ctrl-C leaves it running.

    Plain lines where the output is no terminal. iTerm2, WezTerm, kitty, Ghostty and foot show pictures.
    """
    from farm.find_job import find_job
    from farm.screen import JsonScreen

    with plain_errors():
        chosen = chosen_farm(context)
        job_id = find_job(chosen.records, job).job_id
        with JsonScreen(job_id) if json else live_or_plain(chosen) as screen:
            good = watch_to_the_end(chosen, job_id, screen)
    if not good:
        raise typer.Exit(FAILED)


def live_or_plain(chosen: ChosenFarm) -> Screen:
    """On standard output."""
    from farm.last_frame import last_frame
    from farm.screen import make_screen, standard_output

    console = standard_output()
    return make_screen(console, last_frame(lambda: chosen.farm) if console.is_terminal else None)


def watch_to_the_end(chosen: ChosenFarm, job_id: str, screen: Screen) -> bool:
    """Whether every frame was rendered. Ctrl-C leaves the job running, says so and is raised again."""
    from farm.watch import Watch, say_end

    watching = Watch(records=chosen.records, job_id=job_id, screen=screen, explain=chosen.explain)
    return say_end(screen, watching.run())
