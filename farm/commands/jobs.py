"""`farm jobs`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from farm.commands.asked import JsonOption, chosen_farm, print_json
from farm.listing import print_listing
from farm.plain_errors import plain_errors
from farm.wording import dollars, duration, frames, moment, rate

if TYPE_CHECKING:
    from contract.job_view import JobView
    from contract.record_reader import RecordReader

_HEADS: Final = ("job", "state", "frames", "frames/min", "left", "cost", "created (UTC)")


def jobs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The newest so many.")] = 50,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    json: JsonOption = False,
) -> None:
    """List jobs, the newest first."""
    with plain_errors():
        views, more = newest(chosen_farm(context).records, None if every else limit, int(time.time()))
    if json:
        print_json([view.to_map() for view in views])
        return
    if not views:
        print("no jobs yet: `farm submit FILE` makes one")
        return
    print_listing(_HEADS, [_row(view) for view in views])
    if more:
        print("there are older ones: `farm jobs --all`", file=sys.stderr)


def newest(records: RecordReader, limit: int | None, now: int) -> tuple[list[JobView], bool]:
    """The newest jobs, and whether there are older ones."""
    from contract.job_view import JobView

    found = records.latest_jobs(None if limit is None else limit + 1)
    shown = found[:limit]
    progress = records.progress(shown)
    workers = records.workers(now) if any(not job.state.ended for job in shown) else []
    return [JobView.of(job, progress[job.job_id], workers) for job in shown], len(found) > len(shown)


def _row(view: JobView) -> Sequence[str]:
    return (
        view.job_id,
        str(view.state),
        frames(view),
        rate(view.frames_per_minute),
        duration(view.seconds_left),
        dollars(view.dollars),
        moment(view.created_at),
    )
