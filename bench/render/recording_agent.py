"""The farm's agent, with its requests to AWS noted: `python -m bench.render.recording_agent NOTES`.

It is the agent's own `main`; botocore tells of each request before it is built and after it was answered. A
note is a line of JSON, so that another process can read them meanwhile.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import botocore.session

from contract.tasks import TaskError, decode
from worker_agent.__main__ import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One request's beginning, or its answer."""

    at: float
    """Epoch seconds."""
    name: str
    """Of the operation."""
    answered: bool
    key: str = ""
    """Of the object, at the beginning of a request to the bucket."""
    tasks: tuple[tuple[str, str], ...] = ()
    """Kind and job id of each task that an answer brought."""


class Recorder:
    """`file` is flushed at each line's end, or nobody else sees what is going on."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def watch(self, session: botocore.session.Session) -> None:
        session.register("before-parameter-build", self._begins)
        session.register("after-call", self._answered)

    def _begins(self, **event: Any) -> None:
        key = event["params"].get("Key")
        self._write(event["event_name"], key=key if isinstance(key, str) else "")

    def _answered(self, **event: Any) -> None:
        tasks = [_kind(message["Body"]) for message in event["parsed"].get("Messages", ())]
        self._write(event["event_name"], answered=True, tasks=tasks)

    def _write(self, event_name: str, **found: Any) -> None:
        name = event_name.rpartition(".")[2]
        self._file.write(json.dumps({"at": time.time(), "name": name, "answered": False, **found}) + "\n")


class NotesFile:
    """Read while it grows, nothing twice: reading must not take time from the farm that is measured."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0

    def new(self) -> Iterator[Note]:
        """What was noted since the last time; a line that is being written is left for the next."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            whole, end, _ = file.read().rpartition(b"\n")
        self._read_bytes += len(whole) + len(end)
        for line in whole.splitlines():
            values = json.loads(line)
            tasks = tuple((kind, job_id) for kind, job_id in values.pop("tasks", ()))
            yield Note(**values, tasks=tasks)


def _kind(body: str) -> tuple[str, str]:
    try:
        task = decode(body)
    except TaskError:
        return "none", ""
    return type(task).__name__, task.job_id


def _record(path: Path) -> None:
    """In every session of botocore that this process makes from now on."""
    recorder, make = Recorder(path.open("a", buffering=1)), botocore.session.get_session

    def get_session(*arguments: Any, **named: Any) -> botocore.session.Session:
        session = make(*arguments, **named)
        recorder.watch(session)
        return session

    botocore.session.get_session = get_session


if __name__ == "__main__":
    _record(Path(sys.argv[1]))
    sys.exit(main())
