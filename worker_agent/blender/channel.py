"""Lines of JSON to and from the child over two pipes, with deadlines that always hold.

Nothing here blocks in a read or a write: the pipes are non-blocking and every wait is a poll
with a deadline, so a child that stops reading, stops writing or writes rubbish costs no more
than the time it was given.
"""

import contextlib
import json
import os
import select
import threading
import time
from collections import deque
from enum import Enum
from typing import Any

from worker_agent.watchdog import BEAT_SECONDS, still_alive

MAX_LINE_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024


class Silence(Enum):
    """Why there is no event."""

    TIMED_OUT = "timed out"
    WOKEN = "woken by another thread"
    ENDED = "the child is gone"


class Garbled(Exception):
    """The child sent something that is no event."""


class Channel:
    """The parent's ends of the two pipes. One thread uses it; `wake` is for any other.

    `pidfd` (or None where the system has none) becomes readable when the child ends, also when
    a grandchild still holds the pipe open.
    """

    def __init__(self, commands_fd: int, events_fd: int, pidfd: int | None) -> None:
        self._commands_fd, self._events_fd, self._pidfd = commands_fd, events_fd, pidfd
        self._wake_read, self._wake_write = os.pipe()
        for fd in (commands_fd, events_fd, self._wake_read, self._wake_write):
            os.set_blocking(fd, False)
        self._lines: deque[bytes] = deque()
        self._rest = bytearray()
        self._closing = threading.Lock()
        self._closed = False

    def wake(self) -> None:
        """Ends the current and every later wait at once."""
        with self._closing, contextlib.suppress(BlockingIOError):
            if not self._closed:  # a closed number may belong to another file by now
                os.write(self._wake_write, b"!")

    def send(self, command: dict[str, Any], deadline: float) -> Silence | None:
        """Writes one command; None when all of it was taken. `deadline` is of time.monotonic."""
        data = memoryview(json.dumps(command).encode() + b"\n")
        while data:
            try:
                data = data[os.write(self._commands_fd, data) :]
            except BlockingIOError:
                silence = self._wait(self._commands_fd, select.POLLOUT, deadline)
                if silence is not None:
                    return silence
            except BrokenPipeError:
                return Silence.ENDED
        return None

    def receive(self, deadline: float) -> dict[str, Any] | Silence:
        """The next event, or why there is none. Raises Garbled."""
        while not self._lines:
            silence = self._wait(self._events_fd, select.POLLIN, deadline)
            if silence is not None:
                return silence
            try:
                data = os.read(self._events_fd, _READ_BYTES)
            except BlockingIOError:
                continue
            if not data:
                return Silence.ENDED
            self._take(data)
        return _parse(self._lines.popleft())

    def _take(self, data: bytes) -> None:
        self._rest += data
        if b"\n" in data:
            *lines, rest = bytes(self._rest).split(b"\n")
            self._lines.extend(lines)
            self._rest = bytearray(rest)
        if len(self._rest) > MAX_LINE_BYTES:
            raise Garbled(f"a line of more than {MAX_LINE_BYTES} bytes")

    def _wait(self, fd: int, event: int, deadline: float) -> Silence | None:
        """None when `fd` is ready. What the child wrote before it ended is still read first.

        The deadline of a frame may be hours away: that it is waited for is said all the while.
        """
        poll = select.poll()
        poll.register(fd, event)
        poll.register(self._wake_read, select.POLLIN)
        if self._pidfd is not None:
            poll.register(self._pidfd, select.POLLIN)
        ready: set[int] = set()
        while True:
            still_alive()
            left = deadline - time.monotonic()
            ready = {number for number, _ in poll.poll(min(max(0.0, left), BEAT_SECONDS) * 1000)}
            if ready or left <= BEAT_SECONDS:
                break
        if self._wake_read in ready:
            return Silence.WOKEN
        if left <= 0:  # even when there is something to read: a chatterer has no more time
            return Silence.TIMED_OUT
        if fd in ready:
            return None
        return Silence.ENDED if ready else Silence.TIMED_OUT

    def close(self) -> None:
        """Gives the descriptors back; the channel is unusable afterwards."""
        fds = (self._commands_fd, self._events_fd, self._wake_read, self._wake_write)
        with self._closing:
            self._closed = True
            for fd in (*fds, self._pidfd):
                if fd is not None:
                    os.close(fd)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"{line[:200]!r}") from error
    if not isinstance(event, dict) or "event" not in event:
        raise Garbled(f"{line[:200]!r}")
    return event
