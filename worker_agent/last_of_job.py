"""Which of the tasks that a worker does asks whether their job has ended: the last one only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class LastOfJob:
    """For any thread.

    A job's end is seen by whoever asks after all of its frames are recorded. Who has another task of the job
    in hand need not: that one asks later, or its message is seen again, here or elsewhere, and then asks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._will_ask: dict[object, str] = {}
        """The jobs of the tasks in hand that have not asked."""

    @contextmanager
    def task(self, job_id: str) -> Iterator[Callable[[], bool]]:
        """Inside, a task of the job is done. The task calls what it is given once its frames are recorded,
        and before its message is deleted: whether it is to ask."""
        token = object()
        with self._lock:
            self._will_ask[token] = job_id

        def is_last() -> bool:
            with self._lock:  # whoever is left asks after this moment, and sees what is recorded by now
                self._will_ask.pop(token, None)
                return job_id not in self._will_ask.values()

        try:
            yield is_last
        finally:
            with self._lock:
                self._will_ask.pop(token, None)
