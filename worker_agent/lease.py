"""Keeps the messages that this agent holds, whatever Blender does meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker_agent.outcome import TaskOverError
from worker_agent.task_queue import LeaseLostError, Message, TaskQueue

log = logging.getLogger(__name__)


class Lease:
    """One held message."""

    def __init__(
        self, queue: TaskQueue, message: Message, seconds: int, on_lost: Callable[[], object]
    ) -> None:
        self.queue = queue
        self.message = message
        self.seconds = seconds
        self._on_lost = on_lost
        self._renewed_at = time.monotonic()
        self._lost = threading.Event()
        self._over = threading.Event()
        self._also_renew: Callable[[], None] | None = None
        self._settled = False
        self._renewing = threading.Lock()

    @property
    def lost(self) -> bool:
        """True when somebody else may hold the task: nothing of it may be written any more."""
        return self._lost.is_set()

    @property
    def over(self) -> bool:
        """True when the message is still held, but nobody is to do the task any more."""
        return self._over.is_set()

    def also_renew(self, renew: Callable[[], None] | None) -> None:
        """Call this at each renewal too.

        It raises LeaseLostError when its own claim is gone, TaskOverError when nobody is to have it.
        """
        self._also_renew = renew

    def settle(self) -> None:
        """Renew no more: a renewal that met the message's deletion would take it for a loss.

        Waits for a renewal that is under way.
        """
        with self._renewing:
            self._settled = True

    def let_go(self) -> None:
        """Lost from now on, by our own will: the message is given back while its handler still works."""
        self.settle()
        self._lost.set()

    def renew(self) -> None:
        """Hold the message for another `seconds`. An error other than a loss is left to the next renewal."""
        with self._renewing:
            if not self._settled and not self.lost:
                self._renew()

    def _renew(self) -> None:
        begun_at = time.monotonic()
        try:
            self.queue.extend(self.message, self.seconds)
            if self._also_renew:
                self._also_renew()
            self._renewed_at = begun_at
        except LeaseLostError as error:
            self._lose(str(error))
        except TaskOverError as error:  # asked again at each renewal: a Blender may just have started
            log.info("%s: stopping", error)
            self._renewed_at = begun_at
            self._over.set()
            self._on_lost()
        except Exception as error:
            log.warning("could not renew message %s: %s", self.message.id, error)
            if time.monotonic() - self._renewed_at >= self.seconds:
                self._lose(f"message {self.message.id} could not be renewed for {self.seconds} s")

    def _lose(self, why: str) -> None:
        log.warning("lease lost: %s", why)
        self._lost.set()
        self._on_lost()


class LeaseKeeper:
    """A thread that renews every held lease at each quarter of its time."""

    def __init__(self, lease_seconds: int) -> None:
        self._seconds = lease_seconds
        self._held: set[Lease] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    @contextmanager
    def hold(self, queue: TaskQueue, message: Message, *, on_lost: Callable[[], object]) -> Iterator[Lease]:
        """Renew the message's lease inside the block; `on_lost` is called from another thread."""
        lease = Lease(queue, message, self._seconds, on_lost)
        with self._lock:
            self._held.add(lease)
        try:
            yield lease
        finally:
            with self._lock:
                self._held.discard(lease)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            with self._lock:
                held = list(self._held)
            for lease in held:
                lease.renew()
