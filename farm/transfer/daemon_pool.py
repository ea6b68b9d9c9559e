"""Threads that nobody has to wait for: one that is stuck on a dead connection does not hold up the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Final

_GRACE_SECONDS: Final = 1
"""For those that are in the middle of something else."""


class DaemonPool:
    """As a ThreadPoolExecutor, for which the interpreter would wait."""

    def __init__(self, threads: int, name: str) -> None:
        self._tasks: SimpleQueue[tuple[Future[None], Callable[[], None]] | None] = SimpleQueue()
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name} {number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Callable[[], None]) -> Future[None]:
        future: Future[None] = Future()
        self._tasks.put((future, task))
        return future

    def close(self) -> None:
        """Begin nothing more, and wait a moment for what was begun."""
        self._closed.set()
        for _ in self._threads:
            self._tasks.put(None)
        until = time.monotonic() + _GRACE_SECONDS
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))

    def _work(self) -> None:
        while (item := self._tasks.get()) is not None and not self._closed.is_set():
            future, task = item
            try:
                task()
            except BaseException as error:  # told to the thread that asks for the result
                future.set_exception(error)
            else:
                future.set_result(None)
