"""`farm simulate`. What is heavy is imported when it runs, so that `farm --help` stays quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

_MISSED, _MISUSED = 1, 2
_FORMATS = ("png", "svg")


def simulate(
    workload: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Such as '100 x 10 s'; may be repeated. All.")
    ] = None,
    policy: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Beside ours; may be repeated. All.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the workloads and of all chance.")] = 1,
    latency: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Instead of the deployed acceptable latency.")
    ] = None,
    start_seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="What a machine takes from the decision until it works."),
    ] = None,
    max_workers: Annotated[int | None, typer.Option(help="Instead of the deployed maximum.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Simulate a day of so many mixed jobs.")
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option("--context", "-c", metavar="NAME=VALUE", help="A variable, as for `cdk deploy`."),
    ] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="Ours under everything that AWS may do and does not say.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when ours misses a criterion.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw each workload into this folder.")
    ] = None,
    plot_format: Annotated[str, typer.Option(help="png or svg.")] = "png",
    json_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write everything as JSON; - is standard output.")
    ] = None,
) -> None:
    """Simulate scaling policies on a suite of workloads, with the numbers of the deployed farm."""
    from farm.simulate.comparison import Request, RequestError, compare
    from farm.simulate.setup import SetupError, read_setup

    try:
        if plot_format not in _FORMATS:
            raise RequestError(f"--plot-format {plot_format!r}: expected {' or '.join(_FORMATS)}")
        request = Request(
            setup=read_setup(
                context or (), acceptable_latency_seconds=latency, worker_node_max_count=max_workers
            ),
            workloads=tuple(workload or ()),
            policies=tuple(policy or ()),
            seed=seed,
            start_seconds=start_seconds,
            jobs=jobs,
            variants=variants,
            plot_folder=plot,
            plot_format=plot_format,
            json_file=json_file,
        )
        good = compare(request)
    except (RequestError, SetupError, OSError) as error:
        _stop(str(error))
    if check and not good:
        raise typer.Exit(_MISSED)


def _stop(text: str) -> NoReturn:
    typer.secho(text, err=True, fg="red")
    sys.exit(_MISUSED)
