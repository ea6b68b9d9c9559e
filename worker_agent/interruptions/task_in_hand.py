"""The one task that this agent holds, for the threads that may have to take it away, or tell of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from contract.tasks import Task
from worker_agent.lease import Lease
from worker_agent.task_queue import LeaseLostError

log = logging.getLogger(__name__)


class TaskInHand:
    """`note` records that a task was interrupted; it raises nothing. `now` gives epoch seconds."""

    def __init__(self, note: Callable[[Task], None], now: Callable[[], float] = time.time) -> None:
        self._note = note
        self._now = now
        self._lock = threading.Lock()
        self._held: tuple[Task, Lease] | None = None
        self._since = now()

    @contextmanager
    def hold(self, task: Task, lease: Lease) -> Iterator[None]:
        with self._lock:
            self._held, self._since = (task, lease), self._now()
        try:
            yield
        finally:
            with self._lock:
                self._held, self._since = None, self._now()

    @property
    def task(self) -> Task | None:
        """The task that is held and was not taken away."""
        with self._lock:
            return self._held[0] if self._held and not self._held[1].lost else None

    @property
    def since(self) -> tuple[Task | None, float]:
        """What is held, though it may have been taken away, and the epoch seconds since when that is so."""
        with self._lock:
            return self._held[0] if self._held else None, self._since

    def give_back(self, task: Task, lease: Lease) -> None:
        """Let another worker have an interrupted task at once, then record the interruption.

        Raises what a service that is away raises; then nothing is recorded, and the lease lapses.
        """
        if lease.lost:
            return
        try:
            lease.queue.give_back(lease.message, 0)
        except LeaseLostError as error:
            log.info("nothing to give back: %s", error)
            return
        self._note(task)

    def take_away(self) -> None:
        """Give the task back over the head of its handler, for which the lease is lost from now on."""
        with self._lock:
            held = self._held
        if held is None or held[1].lost:
            return
        task, lease = held
        log.warning("%s is taken away from its handler, which did not let go of it", task)
        lease.let_go()
        try:
            lease.queue.give_back(lease.message, 0)
        except Exception as error:  # whatever it is: the lease lapses, and the drain must go on
            log.warning("could not give %s back: %s", task, error)
            return
        self._note(task)
