"""The tasks that this agent holds, for the threads that may have to take them away, or tell of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from contract.tasks import Task
from worker_agent.tasks.lease import BlenderUse, Lease

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A task, its lease, and the epoch seconds since when it is held."""

    task: Task
    lease: Lease
    since: float


_SHOWN_FIRST: Final = (BlenderUse.AT, BlenderUse.BEFORE, BlenderUse.AFTER)


class TasksInHand:
    """`note` records that a task was interrupted; it raises nothing. `now` gives epoch seconds."""

    def __init__(self, note: Callable[[Task], None], now: Callable[[], float] = time.time) -> None:
        self._note = note
        self._now = now
        self._lock = threading.Lock()
        self._held: list[Held] = []
        self._empty_since = now()

    @contextmanager
    def hold(self, task: Task, lease: Lease) -> Iterator[None]:
        held = Held(task, lease, self._now())
        with self._lock:
            self._held.append(held)
        try:
            yield
        finally:
            with self._lock:
                self._held.remove(held)
                self._empty_since = self._now()

    @property
    def held(self) -> tuple[Held, ...]:
        """In the order in which they were claimed; also those taken away that are still being handled."""
        with self._lock:
            return tuple(self._held)

    @property
    def since(self) -> tuple[Task | None, float]:
        """The task that this worker is to be said to be at, and the epoch seconds since when that is so."""
        with self._lock:
            if not self._held:
                return None, self._empty_since
            shown = min(self._held, key=lambda held: _SHOWN_FIRST.index(held.lease.blender_use))
            return shown.task, shown.since

    def give_back(self, task: Task, lease: Lease) -> None:
        """Let another worker have an interrupted task at once, then record the interruption.

        Raises what a service that is away raises; then nothing is recorded, and the lease lapses.
        """
        if lease.lost:
            return
        if lease.queue.give_back_all(lease.messages, 0):
            self._note(task)

    def take_away(self, held: Held) -> None:
        """Give a task back over the head of its handler, for which the lease is lost from now on."""
        task, lease = held.task, held.lease
        if lease.lost:
            return
        log.warning("%s is taken away from its handler, which did not let go of it", task)
        lease.let_go()
        try:
            lease.queue.give_back_all(lease.messages, 0)
        except Exception as error:  # whatever it is: the lease lapses, and the drain must go on
            log.warning("could not give %s back: %s", task, error)
            return
        self._note(task)
