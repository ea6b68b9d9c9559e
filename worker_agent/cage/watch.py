"""Looks at what a cage uses up of what the kernel does not bound, and ends what goes too far."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from contract.archives import size_in_words
from worker_agent.cage.family import close_family, living, memory_bytes
from worker_agent.cage.limits import Limits, free_bytes

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
_WALK_SECONDS: Final = 2.0
"""From one look at the files to the next, and a good deal longer where it takes long."""
_WALK_SHARE: Final = 50
_CULL_SECONDS: Final = 5.0
_DEAD_FOR_EACH: Final = 10
"""Those that were ended are there until Blender has asked after them."""
_MOST_FILES: Final = 1_000_000
_END_SECONDS: Final = 5.0
"""A file server that is away may hold its thread in a look at the files for as long as it likes."""


class Watch:
    """A thread beside one caged Blender. `excess` says why it has ended it.

    Processes beyond their number are ended alone, for a scene's stray children are no reason to lose its
    frame; only when more come than can be ended does Blender go with them.
    """

    def __init__(self, pid: int, limits: Limits, written: Iterable[Path], log_path: Path) -> None:
        """`pid` is bubblewrap's, or that of its hatch's keeper; `written` the folders, and `log_path` the
        file, that the cage writes.
        """
        self._pid = pid
        self._limits = limits
        self._written = tuple(written)
        self._log_path = log_path
        self._own: set[int] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_walk = 0.0
        self.excess = ""

    def begin(self, kill: Callable[[], None]) -> None:
        """Bound and watch it from now on. What it consists of now is Blender itself."""
        own = close_family(self._pid)
        self._own = {self._pid, *own}
        self._limits.impose(own)
        self._thread = threading.Thread(target=self._run, args=(kill,), name="cage-watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Watch no longer. Returns within some seconds, whatever the thread is held by: it ends by itself."""
        self._stop.set()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(_END_SECONDS)

    def _run(self, kill: Callable[[], None]) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            if excess := self._look():
                self.excess = excess
                log.warning("a Blender is ended: %s", excess)
                kill()
                return

    def _look(self) -> str:
        family = close_family(self._pid)
        most = self._limits.processes
        if len(family) > most and len(living(family)) > most and not self._cull():
            return f"it started more than {most} processes and went on"
        if len(family) > most * _DEAD_FOR_EACH:
            return f"it left more than {most * _DEAD_FOR_EACH} dead processes lying about"
        memory = self._limits.most_memory_bytes
        if memory_bytes(family) > memory:
            return f"it took more than {size_in_words(memory)} of memory"
        return self._disk_excess()

    def _cull(self) -> bool:
        """End all but Blender itself. Stopped first: a process that runs starts more than can be ended."""
        deadline = time.monotonic() + _CULL_SECONDS
        stopped: set[int] = set()
        while time.monotonic() < deadline:
            new = set(close_family(self._pid)) - self._own - stopped
            if not new:
                log.warning("%d processes of a scene are ended: too many", len(stopped))
                _signal(stopped, signal.SIGKILL)
                return True
            _signal(new, signal.SIGSTOP)
            stopped |= new
        return False

    def _disk_excess(self) -> str:
        least = self._limits.free_bytes
        for folder in self._written:
            with contextlib.suppress(OSError):
                if free_bytes(folder) < least:
                    return f"No space left: it has filled the disk up to the last {size_in_words(least)}"
        began = time.monotonic()
        if began < self._next_walk:
            return ""
        size, files = _written(self._written, self._log_path)
        took = time.monotonic() - began
        self._next_walk = began + max(_WALK_SECONDS, took * _WALK_SHARE)
        if size > self._limits.written_bytes:
            return f"it wrote more than {size_in_words(self._limits.written_bytes)}"
        if files >= _MOST_FILES:
            return f"it wrote more than {_MOST_FILES} files"
        return ""


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _written(folders: tuple[Path, ...], log_path: Path) -> tuple[int, int]:
    """(bytes on disk, files) of the folders and of the log. Links are not followed."""
    size = files = 0
    with contextlib.suppress(OSError):
        size = log_path.stat().st_blocks * 512
    waiting: list[str | Path] = list(folders)
    while waiting and files < _MOST_FILES:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                files += 1
                size += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return size, files
