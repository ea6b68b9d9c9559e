"""`farm estimate`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farm.commands.asked import JsonOption, print_json
from farm.job_flags import with_job_options
from farm.plain_errors import plain_errors

if TYPE_CHECKING:
    from farm.chosen_farm import ChosenFarm
    from farm.estimate.report import Estimate

_SPEED_HELP = "How many times as fast as this computer a worker is."
_PRICE_HELP = "What an hour of a machine costs. Without it, by the list of prices."
_ANEW_HELP = "Try frames here, whatever earlier jobs of this file took."


@with_job_options
def estimate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A .blend.", show_default=False)],
    asked: dict[str, str | int | None],
    project: Annotated[
        str | None, typer.Option(help="Its folder in the bucket. Without it, the file's name.")
    ] = None,
    tries: Annotated[int, typer.Option(min=1, max=50, metavar="N", help="Frames to try here.")] = 3,
    speed: Annotated[float, typer.Option(min=0.01, max=1000, metavar="FACTOR", help=_SPEED_HELP)] = 1.0,
    workers: Annotated[
        int, typer.Option(min=0, metavar="N", help="Machines; 0: as many as the farm will start.")
    ] = 0,
    hour_dollars: Annotated[
        float | None, typer.Option(min=0, metavar="DOLLARS", help=_PRICE_HELP, show_default=False)
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help=_ANEW_HELP)] = False,
    json: JsonOption = False,
) -> None:
    """Say how long a file will take and what it will cost, before it is sent.

    By the frames of an earlier job of the same file, where the farm has rendered one; else some frames are
    rendered on this computer, small and with few samples, and scaled up. No farm need be up for that.
    """
    from contract.frames import FrameRangeError
    from contract.options import JobOptions, OptionError
    from farm.estimate.estimate import Question
    from farm.estimate.estimate import estimate as put_together
    from farm.jobs import encode_options
    from farm.plain_errors import MisusedError
    from farm.screen import make_screen, standard_error
    from stacks.config import ConfigError

    signal.signal(signal.SIGTERM, _interrupt)  # the Blender that it started must not outlive it
    with plain_errors(FrameRangeError, ConfigError), make_screen(standard_error()) as screen:
        if not file.is_file():
            raise MisusedError(f"{file} is no file")
        try:
            options = JobOptions.from_metadata(encode_options(file, asked))
        except OptionError as error:
            raise MisusedError(str(error)) from error
        question = Question(
            file=file,
            project=project,
            options=options,
            tries=tries,
            speed=speed,
            workers=workers,
            hour_dollars=hour_dollars,
            anew=anew,
        )
        farm, no_farm = _farm_if_any(context)
        found = put_together(question, farm, no_farm, screen.step)
    if json:
        print_json(found.to_map())
    else:
        _print(found)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _farm_if_any(context: typer.Context) -> tuple[ChosenFarm | None, str]:
    """A farm that was named has to be there; otherwise frames can be tried without one."""
    from farm.commands.asked import chosen_farm
    from farm.plain_errors import PlainError

    try:
        return chosen_farm(context), ""
    except PlainError as error:
        if context.obj:
            raise
        return None, str(error)


def _print(found: Estimate) -> None:
    from farm.screen import say, standard_output

    console = standard_output()
    say(console, found.file, "bold")
    last = ""
    for head, text in found.lines():
        say(console, f"  {'' if head == last else head:<10}{text}")
        last = head
