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

from farm.plain_errors import FAILED, MISUSED, plain_errors, stop

if TYPE_CHECKING:
    from farm.local.settings import LocalSettings

app = typer.Typer(help="A farm on this computer, made of the very same parts.", no_args_is_help=True)


@app.command()
def up() -> None:
    """Start the farm, or bring a running one to the code as it is now."""
    from farm.local import lifecycle
    from farm.screen import make_screen, say, standard_error, standard_output

    settings = _settings()
    with plain_errors(), make_screen(standard_error()) as screen:
        farm = lifecycle.up(settings, screen.step)
    say(
        standard_output(),
        f"the laptop farm is up: {farm.page_url} shows it. Next: `farm local render FILE`. "
        f"Logs: {settings.state_dir}/logs",
    )


@app.command()
def down() -> None:
    """Stop the farm. Its unfinished jobs end with it."""
    from farm.local import lifecycle
    from farm.screen import make_screen, say, standard_error, standard_output

    settings = _settings()
    with plain_errors(), make_screen(standard_error()) as screen:
        lifecycle.down(settings, screen.step)
    say(standard_output(), "the laptop farm is down: no process of it is left")


@app.command(name="status")
def show_status() -> None:
    """Show jobs, queues, agents and where things are."""
    from farm.local import lifecycle, status
    from farm.local.state import StateFolder
    from farm.screen import say, standard_output

    state = StateFolder(_settings().state_dir)
    farm = lifecycle.find(state)
    if farm is None or not farm.outputs:
        say(standard_output(), "the laptop farm is down: `farm local up` starts it")
        return
    with plain_errors():
        status.show(standard_output(), state, farm)


@app.command()
def render(
    file: Annotated[Path, typer.Argument(help="A .blend, or a .zip, .tar.gz or .tgz with one.")],
    frames: Annotated[
        str | None, typer.Option(help="Such as 1-100x2,150. Without it, the scene's own range.")
    ] = None,
    start_frame: Annotated[int | None, typer.Option(help="First frame.")] = None,
    end_frame: Annotated[int | None, typer.Option(help="Last frame.")] = None,
    scene: Annotated[str | None, typer.Option(help="Name of the scene.")] = None,
    camera: Annotated[str | None, typer.Option(help="Name of the camera.")] = None,
    engine: Annotated[str | None, typer.Option(help="cycles, eevee or workbench.")] = None,
    samples: Annotated[int | None, typer.Option(help="Samples per pixel.")] = None,
    resolution_percentage: Annotated[int | None, typer.Option(help="Size of the frames.")] = None,
    blender_version: Annotated[
        str | None, typer.Option(help="4.5 or 4.5.15. Without it, the series that saved the file.")
    ] = None,
    blend: Annotated[
        str | None, typer.Option(help="The .blend to render, in an archive that holds several.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Render though files that the scene needs are missing.")
    ] = False,
    project: Annotated[
        str | None, typer.Option(help="Folder in the bucket. Without it, the file's name.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the frames. Without it, out/<job id>.")] = None,
    then_down: Annotated[
        bool, typer.Option("--then-down", help="Stop the farm afterwards, whatever happens.")
    ] = False,
) -> None:
    """Render a file and download its frames as they finish. Starts the farm if need be."""
    from contract.options import OptionError
    from farm.jobs import SubmitError, encode_options, submit, upload_key
    from farm.local import clients, lifecycle, status
    from farm.local.state import StateFolder
    from farm.render import FramesHome
    from farm.render import render as render_home
    from farm.screen import make_screen, standard_error
    from farm.watch import GOES_ON, Watch

    settings = _settings()
    try:
        if not file.is_file():
            raise SubmitError(f"{file} is no file")
        key = upload_key(file, project)
        metadata = encode_options(
            file,
            {
                "frames": frames,
                "start_frame": start_frame,
                "end_frame": end_frame,
                "scene": scene,
                "camera": camera,
                "engine": engine,
                "samples": samples,
                "resolution_percentage": resolution_percentage,
                "blender_version": blender_version,
                "blend": blend,
                "allow_missing": "yes" if allow_missing else None,
            },
        )
    except (SubmitError, OptionError) as error:
        stop(str(error), MISUSED)
    screen = make_screen(standard_error())
    with _down_at_the_end(settings, wanted=then_down), plain_errors(), screen:
        farm = clients.farm_of(lifecycle.up(settings, screen.step))
        screen.step(f"uploading {file.name}")
        job_id = submit(farm, file, key=key, metadata=metadata).job_id
        screen.note(f"job {job_id}")
        watch = Watch(
            records=farm.records,
            job_id=job_id,
            screen=screen,
            explain=partial(status.explain, StateFolder(settings.state_dir)),
            afterwards="it ends with the farm" if then_down else GOES_ON,
        )
        good = render_home(watch, FramesHome(farm=farm, folder=out or Path("out") / job_id, screen=screen))
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
