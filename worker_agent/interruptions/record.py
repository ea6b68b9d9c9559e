"""Puts "interrupted" on the record of what was given back: people see it, and it counts against nobody."""

from __future__ import annotations

import logging

from contract.frames import parse_frames
from contract.tasks import BakeTask, RenderTask, Task
from worker_agent.stores import Stores

log = logging.getLogger(__name__)


class InterruptionRecord:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def note(self, task: Task) -> None:
        """Raises nothing: the task is back on its queue, and that is what matters."""
        try:
            self._note(task)
        except Exception as error:
            log.warning("could not record that %s was interrupted: %s", task, error)

    def _note(self, task: Task) -> None:
        if isinstance(task, BakeTask):
            self._stores.jobs.add_interruption(task.job_id)
        elif isinstance(task, RenderTask):
            job = self._stores.jobs.job(task.job_id)
            for frame in parse_frames(task.frames) if job else ():
                assert job
                self._stores.frames.add_interruption(job, frame)  # of one that has ended, nothing is noted
