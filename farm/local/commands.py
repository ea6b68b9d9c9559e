"""`farm local …`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farm.commands.asked import JsonOption, print_json
from farm.commands.submit import FILE_HELP, NO_PACK_HELP, PROJECT_HELP
from farm.job_flags import with_job_options
from farm.plain_errors import FAILED, MISUSED, plain_errors, stop

if TYPE_CHECKING:
    from farm.local.settings import LocalSettings

app = typer.Typer(help="A farm on this computer, made of the very same parts.", no_args_is_help=True)


@app.command()
def up(json: JsonOption = False) -> None:
    """Start the farm, or bring a running one to the code as it is now."""
    from farm.local import lifecycle
    from farm.screen import make_screen, say, standard_error, standard_output

    settings = _settings()
    with plain_errors(), make_screen(standard_error()) as screen:
        farm = lifecycle.up(settings, screen.step)
    if json:
        print_json({"up": True, **farm.places(), "logs": str(settings.state_dir / "logs")})
        return
    say(
        standard_output(),
        f"the laptop farm is up: {farm.page_url} shows it. Next: `farm submit FILE`. "
        f"Logs: {settings.state_dir}/logs",
    )


@app.command()
def down(json: JsonOption = False) -> None:
    """Stop the farm. Its unfinished jobs end with it."""
    from farm.local import lifecycle
    from farm.screen import make_screen, say, standard_error, standard_output

    settings = _settings()
    with plain_errors(), make_screen(standard_error()) as screen:
        lifecycle.down(settings, screen.step)
    if json:
        print_json({"up": False})
    else:
        say(standard_output(), "the laptop farm is down: no process of it is left")


@app.command(name="status")
def show_status(json: JsonOption = False) -> None:
    """Show jobs, queues, agents and where things are."""
    from farm.local import lifecycle, status
    from farm.local.state import StateFolder
    from farm.screen import say, standard_output

    state = StateFolder(_settings().state_dir)
    farm = lifecycle.find(state)
    if farm is None or not farm.outputs:
        if json:
            print_json({"up": False})
        else:
            say(standard_output(), "the laptop farm is down: `farm local up` starts it")
        return
    with plain_errors():
        if json:
            print_json({"up": True, **status.to_map(state, farm)})
        else:
            status.show(standard_output(), state, farm)


@app.command()
@with_job_options
def render(
    file: Annotated[Path, typer.Argument(help=FILE_HELP)],
    asked: dict[str, str | int | None],
    project: Annotated[str | None, typer.Option(help=PROJECT_HELP)] = None,
    no_pack: Annotated[bool, typer.Option("--no-pack", help=NO_PACK_HELP)] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the frames. Without it, out/<job id>.")] = None,
    then_down: Annotated[
        bool, typer.Option("--then-down", help="Stop the farm afterwards, whatever happens.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Render a file and download its frames as they finish. Starts the farm if need be."""
    from contract.options import OptionError
    from farm.bring_home import bring_home
    from farm.jobs import SubmitError
    from farm.local import clients, lifecycle, status
    from farm.local.state import StateFolder
    from farm.screen import make_screen, standard_error
    from farm.submission import Order, Submitter
    from farm.transfer.job_files import JobFiles
    from farm.watch import GOES_ON, Watch

    settings = _settings()
    order = Order(file=file, project=project, asked=asked, pack=not no_pack)
    try:
        order.check()
    except (SubmitError, OptionError) as error:
        stop(str(error), MISUSED)
    console = standard_error()
    with _down_at_the_end(settings, wanted=then_down), plain_errors():
        with make_screen(console) as screen:
            farm = clients.farm_of(lifecycle.up(settings, screen.step))
        job_id = Submitter(farm=farm, console=console).submit(order).job_id
        with (
            make_screen(console) as screen,
            JobFiles(farm=farm, folder=out or Path("out") / job_id, screen=screen) as files,
        ):
            screen.note(f"job {job_id}")
            watch = Watch(
                records=farm.records,
                job_id=job_id,
                screen=screen,
                explain=partial(status.explain, StateFolder(settings.state_dir)),
                afterwards="it ends with the farm" if then_down else GOES_ON,
            )
            job, good = bring_home(watch, files)
    if json:
        print_json({"job_id": job_id, "state": str(job.state), "reason": job.reason, **files.to_map()})
    if not good:
        raise typer.Exit(FAILED)


def _settings() -> LocalSettings:
    """The person's settings. From here on this process knows no AWS account but the emulator's."""
    from farm.local.environment import aws_variables, without_aws
    from farm.local.settings import LocalSettings

    with plain_errors():
        settings = LocalSettings.from_env(os.environ)
    ours = without_aws(os.environ) | aws_variables(endpoint=None, state_dir=settings.state_dir)
    for name in set(os.environ) - set(ours):
        del os.environ[name]
    os.environ.update(ours)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    return settings


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _down_at_the_end(settings: LocalSettings, *, wanted: bool) -> Iterator[None]:
    """Leave nothing running, whatever happens; a second Ctrl-C does not cut it short."""
    from farm.local import lifecycle

    try:
        yield
    finally:
        if wanted:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            lifecycle.down(settings, lambda _: None)
