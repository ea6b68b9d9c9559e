"""`farm local …`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from contract.keys import read_upload_key
from contract.options import OptionError
from farm.control import RefusedError, cancel, retry
from farm.follow import NoJobError
from farm.jobs import Farm, SubmitError, encode_options, submit, upload_key
from farm.local import clients, lifecycle, status
from farm.local.blenders import NoBlenderError
from farm.local.deployment import DeployError
from farm.local.emulator import EmulatorError
from farm.local.environment import aws_variables, without_aws
from farm.local.settings import LocalSettings, LocalSettingsError
from farm.local.state import StateFolder
from farm.render import Render
from farm.screen import Screen, make_screen, say

app = typer.Typer(help="A farm on this computer, made of the very same parts.", no_args_is_help=True)
_out, _err = Console(highlight=False), Console(stderr=True, highlight=False)

_GOES_ON = "it goes on (see `farm local status`; `farm local down` ends it)"
FAILED, MISUSED, INTERRUPTED = 1, 2, 130
_EXPECTED = (
    *(NoBlenderError, DeployError, EmulatorError, lifecycle.UpError, NoJobError, RefusedError),
    *(BotoCoreError, ClientError, OSError),
)


@app.command()
def up() -> None:
    """Start the farm, or bring a running one to the code as it is now."""
    settings = _settings()
    with _plain_errors(), make_screen(_err) as screen:
        lifecycle.up(settings, screen.step)
    say(
        _out,
        f"the laptop farm is up. Next: `farm local render FILE`. Logs: {settings.state_dir}/logs",
    )


@app.command()
def down() -> None:
    """Stop the farm. Its unfinished jobs end with it."""
    settings = _settings()
    with _plain_errors(), make_screen(_err) as screen:
        lifecycle.down(settings, screen.step)
    say(_out, "the laptop farm is down: no process of it is left")


@app.command(name="status")
def show_status() -> None:
    """Show jobs, queues, agents and where things are."""
    state = StateFolder(_settings().state_dir)
    farm = lifecycle.find(state)
    if farm is None or not farm.outputs:
        say(_out, "the laptop farm is down: `farm local up` starts it")
        return
    with _plain_errors():
        status.show(_out, state, farm)


@app.command(name="cancel")
def cancel_one(job: Annotated[str, typer.Argument(metavar="JOB", help="Its id.")]) -> None:
    """Cancel a job: its frames stop, and what is rendered of it stays."""
    with _plain_errors():
        canceled = cancel(_running_farm(), job)
    say(_out, f"job {canceled.job_id} is canceled: its workers let it go within a frame")


@app.command(name="retry")
def retry_one(job: Annotated[str, typer.Argument(metavar="JOB", help="Its id.")]) -> None:
    """Render the failed and missing frames of an ended job, without baking again where that can be."""
    with _plain_errors():
        queued = retry(_running_farm(), job)
    say(_out, f"job {queued.job_id} is queued again, for the frames that are not done")


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
        _stop(str(error), MISUSED)
    with _down_at_the_end(settings, wanted=then_down), _plain_errors(), make_screen(_err) as screen:
        farm = clients.farm_of(lifecycle.up(settings, screen.step))
        screen.step(f"uploading {file.name}")
        sent = submit(farm, file, key=key, metadata=metadata)
        screen.note(f"job {sent.job_id}")
        good = _watch(
            farm,
            sent.job_id,
            key,
            out=out,
            screen=screen,
            state=StateFolder(settings.state_dir),
            afterwards="it ends with the farm" if then_down else _GOES_ON,
        )
    if not good:
        raise typer.Exit(FAILED)


def _watch(
    farm: Farm,
    job_id: str,
    key: str,
    *,
    out: Path | None,
    screen: Screen,
    state: StateFolder,
    afterwards: str,
) -> bool:
    upload = read_upload_key(key)
    assert not isinstance(upload, str)
    job = Render(
        farm=farm,
        job_id=job_id,
        project=upload.project,
        folder=out or Path("out") / job_id,
        screen=screen,
        explain=lambda: status.explain(state),
    )
    try:
        return job.finish(job.run())
    except KeyboardInterrupt:
        screen.note(f"stopped watching job {job_id}: {afterwards}")
        raise


def _running_farm() -> Farm:
    """The laptop farm, which has to be up."""
    record = lifecycle.find(StateFolder(_settings().state_dir))
    if record is None or not record.outputs:
        _stop("the laptop farm is down: `farm local up` starts it", FAILED)
    return clients.farm_of(record)


def _settings() -> LocalSettings:
    """The person's settings. From here on this process knows no AWS account but the emulator's."""
    try:
        settings = LocalSettings.from_env(os.environ)
    except LocalSettingsError as error:
        _stop(str(error), MISUSED)
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
def _plain_errors() -> Iterator[None]:
    """What can be expected to go wrong ends in words and an exit status, not in a traceback."""
    try:
        yield
    except _EXPECTED as error:
        _stop(str(error), FAILED)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _down_at_the_end(settings: LocalSettings, *, wanted: bool) -> Iterator[None]:
    """Leave nothing running, whatever happens; a second Ctrl-C does not cut it short."""
    try:
        yield
    finally:
        if wanted:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            lifecycle.down(settings, lambda _: None)


def _stop(text: str, code: int) -> NoReturn:
    say(_err, text, "red")
    sys.exit(code)
