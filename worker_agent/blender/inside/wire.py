"""Commands in and events out, and the error that every room of this package raises."""

import ctypes
import json
import os
import sys
from collections.abc import Iterator
from typing import Any


class Failure(Exception):
    """Something the artist has to be told: a code for programs and plain words."""

    def __init__(self, code: str, reason: str, frame: "int | None" = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.frame = frame


class Wire:
    """The two pipes to the parent."""

    def __init__(self, commands_fd: int, events_fd: int) -> None:
        self._commands_fd = commands_fd
        self._events_fd = events_fd
        self._libc = ctypes.CDLL(None)

    def commands(self) -> "Iterator[dict[str, Any]]":
        """Commands until the parent closes its end."""
        with os.fdopen(self._commands_fd, encoding="utf-8", closefd=False) as lines:
            for line in lines:
                yield json.loads(line)

    def send(self, event: str, **fields: Any) -> None:
        """One event. `log_end` says how long the log file is with all that was printed before.

        The parent cannot look for itself: by then the next frame has begun to print.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        self._libc.fflush(None)  # Blender prints through C's own buffer
        fields["log_end"] = os.fstat(1).st_size
        data = memoryview(json.dumps({"event": event, **fields}).encode() + b"\n")
        while data:
            data = data[os.write(self._events_fd, data) :]
