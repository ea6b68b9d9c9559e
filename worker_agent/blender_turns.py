"""Whose turn it is at this worker's Blender: while one task's frames are uploaded, the next one's render."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from worker_agent.lease import BlenderUse, Lease
from worker_agent.outcome import InterruptedTaskError
from worker_agent.watchdog import still_alive

LOOK_SECONDS: Final = 0.25
"""How often one who waits looks whether it still should."""


class _Blender(Protocol):
    """What is asked of SceneSessions."""

    @property
    def scene_is_open(self) -> bool: ...

    def kill(self) -> bool: ...


class BlenderTurns:
    """First come, first served. `changed` is called when a task has done with Blender."""

    def __init__(
        self,
        blender: _Blender,
        *,
        stopped: Callable[[], bool] = lambda: False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._blender = blender
        self._stopped = stopped
        self._changed = changed
        self._queue: deque[Lease] = deque()
        """The first of these has the turn."""
        self._moved = threading.Condition()

    @contextmanager
    def turn(self, lease: Lease) -> Iterator[None]:
        """Wait for this task's turn, and have it inside the block.

        Raises InterruptedTaskError when the worker has to go meanwhile, or nobody is to do the task.
        """
        with self._moved:
            self._queue.append(lease)
        try:
            self._await(lease)
            lease.blender_use = BlenderUse.AT
            yield
        finally:
            lease.blender_use = BlenderUse.AFTER
            with self._moved:
                self._queue.remove(lease)
                self._moved.notify_all()
            self._changed()

    def kill(self, lease: Lease) -> bool:
        """End Blender at once if it is this task's turn, from any thread. False when there is none to end."""
        with self._moved:
            if not self._queue or self._queue[0] is not lease:
                return False
        return self._blender.kill()

    @property
    def scene_is_open(self) -> bool:
        """Whether a Blender is ready for frames, or at them. Safe to ask from any thread."""
        return self._blender.scene_is_open

    def _await(self, lease: Lease) -> None:
        with self._moved:
            while self._queue[0] is not lease:
                still_alive()
                self._moved.wait(LOOK_SECONDS)
                if lease.lost or lease.over:
                    raise InterruptedTaskError("nobody is to do the task any more")
                if self._stopped():
                    raise InterruptedTaskError("the worker has to go")
