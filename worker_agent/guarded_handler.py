"""A handler whose errors are looked at once more: was it this machine?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from worker_agent.host.machine import Machine
from worker_agent.services.patience import impatient
from worker_agent.stores.job_store import JobStore
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import MachineTroubleError, Outcome

log = logging.getLogger(__name__)


class GuardedHandler:
    """Says on the job's record that a worker of it is in trouble, if one is."""

    def __init__(self, handle: Callable[[Any, Lease], Outcome], *, machine: Machine, jobs: JobStore) -> None:
        self._handle = handle
        self._machine = machine
        self._jobs = jobs

    def __call__(self, task: Any, lease: Lease) -> Outcome:
        """Raises MachineTroubleError for a disk that is full and a file system that is gone or fails."""
        try:
            try:
                return self._handle(task, lease)
            except OSError as error:
                self._machine.blame(error, task.job_id)
                raise
        except MachineTroubleError as trouble:
            if not lease.lost:
                self._note(task.job_id, str(trouble))
            raise

    def _note(self, job_id: str, reason: str) -> None:
        try:
            with impatient():
                self._jobs.note_trouble(job_id, reason)
        except Exception as error:  # the trouble itself matters more
            log.warning("could not tell job %s of a trouble: %s", job_id, error)
