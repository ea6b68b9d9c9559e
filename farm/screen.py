"""What a person sees while a job renders: a live bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import unicodedata
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from contract.job_view import state_words
from farm.follow import Snapshot


class Screen(Protocol):
    """Shows the newest of what happens; `note` stays on the page."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def step(self, text: str) -> None: ...

    def show(self, snapshot: Snapshot) -> None: ...

    def note(self, text: str, style: str = "") -> None: ...


def make_screen(console: Console) -> Screen:
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)


def words(snapshot: Snapshot) -> str:
    """A job's state in words."""
    return state_words(snapshot.job) if snapshot.job else "waiting for the farm to hear of it"


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line as it is: names in it are a stranger's, and no markup, link or terminal command."""
    console.print(Text(printable(text), style=style), soft_wrap=True)


def standard_output() -> Console:
    return Console(highlight=False)


def standard_error() -> Console:
    return Console(stderr=True, highlight=False)


def printable(text: str) -> str:
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") else "�" for c in text)


class PlainScreen:
    """A line for each change."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def step(self, text: str) -> None:
        if text != self._last:
            self._last = text
            say(self._console, text)

    def show(self, snapshot: Snapshot) -> None:
        total = snapshot.progress.total
        self.step(words(snapshot) + (f": {snapshot.progress.done} of {total} frames" if total else ""))

    def note(self, text: str, style: str = "") -> None:
        say(self._console, text, style)


class LiveScreen:
    """A spinner while something is prepared, then a bar of frames."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("frames", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, text: str) -> None:
        self._bar.update(self._task, description=printable(text))

    def show(self, snapshot: Snapshot) -> None:
        progress = snapshot.progress
        failed = f", {progress.failed} failed" if progress.failed else ""
        self._bar.update(
            self._task,
            description=words(snapshot) + failed,
            total=progress.total or None,
            completed=progress.done + progress.failed,
        )

    def note(self, text: str, style: str = "") -> None:
        say(self._console, text, style)
