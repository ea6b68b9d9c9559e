"""The live page of a job on a terminal: how far it is, what each worker does, what was done last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import fmean
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from contract.job_view import JobView, worker_words
from contract.worker_record import WorkerRecord
from farm.follow import Snapshot
from farm.printable import printable
from farm.screen import say, words
from farm.wording import dollars, duration, frames, rate

if TYPE_CHECKING:
    from farm.last_frame import LastFrame

_BAR_COLUMNS: Final = 40
_OTHER_LINES: Final = 8
"""Of the page, beside the workers' lines."""
_REFRESH_PER_SECOND: Final = 4


class LiveScreen:
    """A spinner while something is prepared, then the job's page; it is gone when the screen closes."""

    def __init__(self, console: Console, last_frame: LastFrame | None = None) -> None:
        self._console = console
        self._last_frame = last_frame
        self._began = time.monotonic()
        self._spinner = Spinner("dots")
        self._snapshot = Snapshot(job=None)
        self._text = ""
        self._live = Live(
            console=console,
            transient=True,
            get_renderable=self._page,
            refresh_per_second=_REFRESH_PER_SECOND,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def step(self, text: str) -> None:
        self._text = text

    def show(self, snapshot: Snapshot) -> None:
        self._text, self._snapshot = words(snapshot), snapshot
        picture = self._last_frame.newer(snapshot, time.monotonic()) if self._last_frame else None
        if picture:
            self._console.print(picture)

    def note(self, text: str, style: str = "") -> None:
        say(self._console, text, style)

    def _page(self) -> RenderableType:
        elapsed = time.strftime("%-H:%M:%S", time.gmtime(time.monotonic() - self._began))
        self._spinner.update(text=Text(f"{printable(self._text)}  {elapsed}", no_wrap=True))
        view = self._snapshot.view
        if view is None:
            return self._spinner
        return Group(self._spinner, *_progress_lines(view), *self._worker_lines(), *self._last_line())

    def _worker_lines(self) -> Iterator[RenderableType]:
        workers = self._snapshot.workers
        if not workers:
            return
        room = max(1, self._console.size.height - _OTHER_LINES)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        now = int(time.time())
        for worker in workers[:room]:
            table.add_row(*(Text(printable(cell), no_wrap=True) for cell in _worker_cells(worker, now)))
        yield table
        if len(workers) > room:
            yield Text(f"  and {len(workers) - room} more workers", style="dim")

    def _last_line(self) -> Iterator[RenderableType]:
        frame = self._snapshot.progress.last_frame
        if frame is not None:
            yield Text(f"  last done: frame {frame}", style="dim")


def _progress_lines(view: JobView) -> Iterator[RenderableType]:
    """The bar once there is something to count, then the numbers that are known."""
    if view.frames:
        line = Table.grid(padding=(0, 1, 0, 0))
        bar = ProgressBar(total=view.frames, completed=view.fraction * view.frames, width=_BAR_COLUMNS)
        line.add_row(bar, Text(f"{view.fraction:4.0%}  {frames(view)} frames", no_wrap=True))
        yield line
    known = [
        f"{rate(view.frames_per_minute)} frames a minute" if view.frames_per_minute else "",
        f"{duration(view.seconds_left)} left" if view.seconds_left else "",
        f"{dollars(view.dollars)} so far" if view.dollars else "",
    ]
    if any(known):
        yield Text("  " + " · ".join(filter(None, known)), no_wrap=True)


def _worker_cells(worker: WorkerRecord, now: int) -> tuple[str, str, str]:
    usual = f"(usually {duration(fmean(worker.recent_seconds))})" if worker.recent_seconds else ""
    doing = f"{worker_words(worker)} for {duration(worker.busy_seconds(now))}"
    return f"  {worker.worker_id}", doing, usual
