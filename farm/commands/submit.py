"""`farm submit`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farm.commands.asked import JsonLinesOption, chosen_farm, print_json
from farm.job_flags import with_job_options
from farm.plain_errors import FAILED, MisusedError, plain_errors

if TYPE_CHECKING:
    from farm.chosen_farm import ChosenFarm
    from farm.submission import Order, Submission

FILE_HELP = "A .blend, or a .zip, .tar.gz or .tgz with one."
PROJECT_HELP = "Folder in the bucket. Without it, the file's name."
NO_PACK_HELP = "Send the file as it is, without looking for what it needs."


@with_job_options
def submit(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help=FILE_HELP, show_default=False)],
    asked: dict[str, str | int | None],
    project: Annotated[str | None, typer.Option(help=PROJECT_HELP, show_default=False)] = None,
    no_pack: Annotated[bool, typer.Option("--no-pack", help=NO_PACK_HELP)] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Watch each job to its end, as `farm watch`.")] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Wait, and take the frames home as they end.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Where to. Without it, out/<job id>.")
    ] = None,
    json: JsonLinesOption = False,
) -> None:
    """Send files to be rendered. Prints the id of each job as soon as it is sent.

    What a scene needs (textures, sequences, libraries, fonts, caches) is packed
    with it, wherever it lies on this computer. An upload that broke off goes on
    when the same command is given again.
    """
    from contract.options import OptionError
    from farm.screen import standard_error
    from farm.submission import Order, Submitter

    if to is not None and not download:
        raise typer.BadParameter("it goes with --download", param_hint="--to")
    orders = [Order(file=file, project=project, asked=asked, pack=not no_pack) for file in files]
    good = True
    with plain_errors():
        _check(orders, OptionError)
        chosen = chosen_farm(context)
        sent: list[Submission] = []
        for order in orders:
            sent.append(Submitter(farm=chosen.farm, console=standard_error()).submit(order))
            if json:
                print_json(sent[-1].to_map())
            else:
                typer.echo(sent[-1].job_id)
        for number, submission in enumerate(sent if wait or download else (), start=1):
            folder = _folder(submission, to, several=len(sent) > 1) if download else None
            with _saying_who_else_goes_on(sent[number:]):
                told, well = _see_through(chosen, submission, folder)
            good = good and well
            if json:
                print_json({"job_id": submission.job_id, **told})
    if not good:
        raise typer.Exit(FAILED)


def _check(orders: list[Order], refusal: type[Exception]) -> None:
    """All of them, before the first is sent."""
    for order in orders:
        try:
            order.check()
        except refusal as error:
            raise MisusedError(str(error)) from error


def _folder(submission: Submission, to: Path | None, *, several: bool) -> Path:
    if to is None:
        return Path("out") / submission.job_id
    return to / submission.job_id if several else to


@contextmanager
def _saying_who_else_goes_on(others: Sequence[Submission]) -> Iterator[None]:
    """Jobs whose turn to be watched does not come any more, when the watching of this one is broken off."""
    from farm.screen import say, standard_error

    try:
        yield
    except (Exception, KeyboardInterrupt):
        if others:
            listed = ", ".join(submission.job_id for submission in others)
            say(standard_error(), f"not watched any more, and they go on: {listed}")
        raise


def _see_through(
    chosen: ChosenFarm, submission: Submission, folder: Path | None
) -> tuple[dict[str, Any], bool]:
    """Watch a job to its end, with a folder take its files home. What became of it, and whether well."""
    from farm.bring_home import bring_home
    from farm.last_frame import last_frame
    from farm.screen import make_screen, standard_error
    from farm.transfer.job_files import JobFiles
    from farm.watch import Watch, say_end

    console = standard_error()
    with make_screen(console, last_frame(lambda: chosen.farm) if console.is_terminal else None) as screen:
        watch = Watch(records=chosen.records, job_id=submission.job_id, screen=screen, explain=chosen.explain)
        if folder is None:
            job = watch.run()
            return {"state": str(job.state), "reason": job.reason}, say_end(screen, job)
        with JobFiles(farm=chosen.farm, folder=folder, screen=screen) as files:
            job, well = bring_home(watch, files)
        return {"state": str(job.state), "reason": job.reason, **files.to_map()}, well
