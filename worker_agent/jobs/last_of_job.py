"""Which of the tasks that a worker does asks whether their job has ended: the last one only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker_agent.tasks.lease import Lease


class LastOfJob:
    """For any thread.

    A job's end is seen by whoever asks after all of its frames are recorded. Who holds another of its tasks
    need not: that one asks later, or its message is seen again, here or elsewhere, and then asks. One whose
    lease is lost may have been done elsewhere before, and one whose task is over is not seen again: these do
    not count.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._will_ask: dict[Lease, str] = {}
        """The jobs of the tasks in hand that have not asked."""

    @contextmanager
    def task(self, job_id: str, lease: Lease) -> Iterator[Callable[[], bool]]:
        """Inside, a task of the job is done. The task calls what it is given once its frames are recorded,
        and before its message is deleted: whether it is to ask."""
        with self._lock:
            self._will_ask[lease] = job_id

        def is_last() -> bool:
            with self._lock:  # whoever is left asks after this moment, and sees what is recorded by now
                self._will_ask.pop(lease, None)
                others = (other for other, job in self._will_ask.items() if job == job_id)
                return all(other.lost or other.over for other in others)

        try:
            yield is_last
        finally:
            with self._lock:
                self._will_ask.pop(lease, None)
