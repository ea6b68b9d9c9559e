"""What a person sees while a job renders: a live page on a terminal, plain lines anywhere else, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from rich.console import Console
from rich.text import Text

from contract.frame_record import FrameRecord
from contract.job_view import state_words
from farm.follow import Snapshot
from farm.printable import printable as printable

if TYPE_CHECKING:
    from farm.last_frame import LastFrame


class Screen(Protocol):
    """Shows the newest of what happens; `note` stays on the page."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def step(self, text: str) -> None: ...

    def show(self, snapshot: Snapshot) -> None: ...

    def note(self, text: str, style: str = "") -> None: ...


def make_screen(console: Console, last_frame: LastFrame | None = None) -> Screen:
    """`last_frame` shows pictures on a terminal that can."""
    if not console.is_terminal:
        return PlainScreen(console)
    from farm.live_screen import LiveScreen

    return LiveScreen(console, last_frame)


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


class JsonScreen(PlainScreen):
    """An object on standard output for each change; notes go to standard error."""

    def __init__(self, job_id: str) -> None:
        super().__init__(standard_error())
        self._job_id = job_id
        self._shown: Mapping[str, Any] = {}

    def step(self, text: str) -> None:
        return None

    def show(self, snapshot: Snapshot) -> None:
        view = snapshot.view
        known: Mapping[str, Any] = view.to_map() if view else {"job_id": self._job_id, "state": None}
        if snapshot.ended_frames or known != self._shown:
            self._shown = known
            ended = [frame_map(record) for record in snapshot.ended_frames]
            sys.stdout.write(json.dumps({**known, "ended_frames": ended}) + "\n")
            sys.stdout.flush()


def frame_map(record: FrameRecord) -> dict[str, Any]:
    """A frame, for JSON."""
    return {
        **asdict(record),
        "state": str(record.state),
        "failures": [failure.to_map() for failure in record.failures],
    }
