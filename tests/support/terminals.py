"""A command on a pseudo-terminal, as a person sees it, and environments that know of no terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

ROWS, COLUMNS = 30, 120
_OF_TERMINALS = (
    *("TERM", "COLORTERM", "COLORFGBG", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "PY_COLORS"),
    *("COLUMNS", "LINES", "TMUX", "STY", "TTY_", "VTE_", "LC_TERMINAL", "GITHUB_ACTIONS"),
    *("KITTY_", "WEZTERM_", "GHOSTTY_", "ITERM_"),
)
"""What variables begin with that tell programs what they may show."""


def without_terminal(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without what a developer's terminal has put there: tests see the same everywhere."""
    return {name: value for name, value in env.items() if not name.startswith(_OF_TERMINALS)}


@dataclass
class Terminal:
    """A command on a terminal of its own."""

    fd: int
    pid: int
    said: str = ""
    """All it wrote, with what moves the cursor."""
    exit_status: int | None = None

    def read_until(self, enough: Callable[[str], object], seconds: float = 240) -> None:
        """Read what it says until that is enough, or it has ended."""
        deadline = time.monotonic() + seconds
        while not enough(self.said):
            assert time.monotonic() < deadline, self.said[-2000:]
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # the other end was closed
                return
            self.said += data.decode("utf-8", "replace")

    def wait(self) -> int:
        """Until it ends; its exit status."""
        self.read_until(lambda said: False)
        self.exit_status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.exit_status

    def press_ctrl_c(self) -> None:
        os.write(self.fd, b"\x03")


@contextmanager
def on_a_terminal(
    command: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
) -> Iterator[Terminal]:
    """Begin it; it is killed when nobody waited for its end."""
    ours = {**without_terminal(env), "TERM": "xterm-256color"}
    pid, fd = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests in the background ignore it
        ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        if cwd:
            os.chdir(cwd)
        os.execvpe(command[0], list(command), ours)
    terminal = Terminal(fd, pid)
    try:
        yield terminal
    finally:
        if terminal.exit_status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(fd)
