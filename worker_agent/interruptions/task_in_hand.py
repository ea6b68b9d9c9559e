"""The one task that this agent holds, for the thread that may have to take it away from its handler."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from contract.tasks import Task
from worker_agent.lease import Lease
from worker_agent.task_queue import LeaseLostError

log = logging.getLogger(__name__)


class TaskInHand:
    """`note` records that a task was interrupted; it raises nothing."""

    def __init__(self, note: Callable[[Task], None]) -> None:
        self._note = note
        self._lock = threading.Lock()
        self._held: tuple[Task, Lease] | None = None

    @contextmanager
    def hold(self, task: Task, lease: Lease) -> Iterator[None]:
        with self._lock:
            self._held = task, lease
        try:
            yield
        finally:
            with self._lock:
                self._held = None

    @property
    def task(self) -> Task | None:
        """The task that is held and was not taken away."""
        with self._lock:
            return self._held[0] if self._held and not self._held[1].lost else None

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
