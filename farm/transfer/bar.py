"""How far a file is on its way: a bar on a terminal, now and then a line anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from contract.archives import size_in_words
from farm.screen import printable, say

_LINE_SECONDS: Final = 10


@contextmanager
def progress_bar(console: Console, what: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Yields what is called with each step's bytes. `what` says it as in `uploading film.zip`."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(printable(what), total=total_bytes)
            yield lambda size_bytes: bar.update(task, advance=size_bytes)
        return
    say(console, f"{what} ({size_in_words(total_bytes)})")
    lines = _Lines(console, what, total_bytes)
    yield lines.advance


class _Lines:
    def __init__(self, console: Console, what: str, total_bytes: int) -> None:
        self._console, self._what, self._total_bytes = console, what, total_bytes
        self._done_bytes, self._said_at = 0, time.monotonic()

    def advance(self, size_bytes: int) -> None:
        self._done_bytes += size_bytes
        now = time.monotonic()
        if now - self._said_at >= _LINE_SECONDS and self._done_bytes < self._total_bytes:
            self._said_at = now
            percent = 100 * self._done_bytes // self._total_bytes
            say(self._console, f"{self._what}: {percent} % of {size_in_words(self._total_bytes)}")
