"""Keeps the messages that this agent holds, whatever Blender and the network do meanwhile."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Final

from worker_agent.clock import boot_seconds
from worker_agent.tasks.outcome import TaskOverError
from worker_agent.tasks.task_queue import LeaseLostError, Message, TaskQueue

log = logging.getLogger(__name__)

RENEWALS: Final = 4
"""Times that a lease is renewed within its own time when all is well; a failed renewal is tried sooner."""
LONGEST_WATCH_SECONDS: Final = 1.0
"""A loss that nobody has said is told this late at most."""
SETTLE_SECONDS: Final = 2.0
"""A renewal that hangs as its task ends is not waited for any longer."""


class BlenderUse(Enum):
    """What a held task has of this worker's Blender."""

    BEFORE = "it may still want it"
    AT = "it has it"
    AFTER = "it has done with it"


class Lease:
    """One held task, of one message or of several.

    `lost` needs no network: a lease is lost when its time is over since the beginning of the last renewal
    that succeeded, whatever became of later ones.
    """

    def __init__(
        self,
        queue: TaskQueue,
        message: Message,
        seconds: int,
        on_lost: Callable[[], object],
        now: Callable[[], float] = boot_seconds,
        *,
        more: Sequence[Message] = (),
    ) -> None:
        """`more` messages are held with the first: when one is lost, all are."""
        self.queue = queue
        self.message = message
        self.messages = (message, *more)
        self.seconds = seconds
        self.blender_use = BlenderUse.BEFORE
        self._on_lost = on_lost
        self._now = now
        self._renewed_at = now()
        self._lost = threading.Event()
        self._over = threading.Event()
        self._telling = threading.Lock()
        self._told = False
        self._also_renew: Callable[[], None] | None = None
        self._settled = False
        self._renewing = threading.Lock()

    @property
    def lost(self) -> bool:
        """True when somebody else may hold the task: nothing of it may be written any more. Never undone."""
        if self._now() - self._renewed_at >= self.seconds:
            self._lost.set()
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
        """The task is over: renew no more, and take a renewal that meets its message's end for no loss."""
        self._settled = True
        if self._renewing.acquire(timeout=SETTLE_SECONDS):
            self._renewing.release()

    def renew(self) -> bool:
        """Hold the message for another `seconds`. False when that failed for now: try again soon."""
        with self._renewing:
            return self._settled or self.lost or self._renew()

    def let_go(self) -> None:
        """Lost from now on, by our own will: the message is given back while its handler still works."""
        self._lost.set()
        self.settle()

    def watch(self) -> None:
        """Tell the holder of a lease that has run out, without asking anybody."""
        if self.lost:
            self._tell(f"message {self.message.id} could not be renewed for {self.seconds} s")

    def _renew(self) -> bool:
        begun_at = self._now()
        try:
            self.queue.extend_all(self.messages, self.seconds)
            if self._also_renew:
                self._also_renew()
        except LeaseLostError as error:
            if not self._settled:
                self._lost.set()
                self._tell(str(error))
        except TaskOverError as error:  # asked again at each renewal: a Blender may just have started
            log.info("%s: stopping", error)
            self._renewed_at = begun_at
            self._over.set()
            self._stop_work()
        except Exception as error:
            log.warning("could not renew message %s: %s", self.message.id, error)
            return False
        else:
            self._renewed_at = begun_at
        return True

    def _tell(self, why: str) -> None:
        """Once, and never after the task is over: its Blender may be at another task by then."""
        with self._telling:
            if self._told or self._settled:
                return
            self._told = True
        log.warning("lease lost: %s", why)
        self._stop_work()

    def _stop_work(self) -> None:
        try:
            self._on_lost()
        except Exception:
            log.exception("could not stop the work of message %s", self.message.id)


class LeaseKeeper:
    """Renews each held lease in a thread of its own, so that a call that hangs holds up no other; one more
    thread, which calls nobody, tells of leases that have run out."""

    def __init__(
        self,
        lease_seconds: int,
        now: Callable[[], float] = boot_seconds,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` is the watch's: whether it still looks at the leases."""
        self._beat = beat
        self._seconds = lease_seconds
        self._now = now
        self._held: set[Lease] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lease-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    @contextmanager
    def hold(
        self, queue: TaskQueue, message: Message, *more: Message, on_lost: Callable[[], object]
    ) -> Iterator[Lease]:
        """Renew the messages' lease inside the block; `on_lost` is called from another thread."""
        lease = Lease(queue, message, self._seconds, on_lost, self._now, more=more)
        released = threading.Event()
        renewer = threading.Thread(
            target=self._renew, args=(lease, released), name="lease-renewal", daemon=True
        )
        renewer.start()
        with self._lock:
            self._held.add(lease)
        try:
            yield lease
        finally:
            released.set()  # the thread is not waited for: its call may hang
            with self._lock:
                self._held.discard(lease)

    def _renew(self, lease: Lease, released: threading.Event) -> None:
        usual = self._seconds / RENEWALS
        wait_seconds = usual
        while not released.wait(wait_seconds * random.uniform(0.8, 1)):
            wait_seconds = usual if lease.renew() else usual / RENEWALS

    def _watch(self) -> None:
        while not self._stop.wait(min(LONGEST_WATCH_SECONDS, self._seconds / 20)):
            with self._lock:
                held = list(self._held)
            for lease in held:
                lease.watch()
            self._beat()
