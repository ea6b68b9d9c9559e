"""A command on a pseudo-terminal, as a person sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROWS, COLUMNS = 30, 120


def on_a_terminal(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float = 240
) -> tuple[int, str]:
    """Run it to its end; its exit status and all it wrote, with what moves the cursor."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    ended_by = time.monotonic() + seconds
    said = bytearray()
    with subprocess.Popen(
        list(command),
        cwd=cwd,
        env={**env, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            while _read(ours, said) and time.monotonic() < ended_by:
                pass
            process.wait(max(1, ended_by - time.monotonic()))
        finally:
            process.kill()
            os.close(ours)
    return process.returncode, said.decode("utf-8", "replace")


def _read(terminal: int, said: bytearray) -> bool:
    """False when the other side is closed, which Linux tells as an error."""
    if not select.select([terminal], [], [], 1)[0]:
        return True
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return False
    said += data
    return bool(data)
