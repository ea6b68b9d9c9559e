"""A job that is rendered from a project which is gone from the shared file system is prepared again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from contract.job import Job
from contract.options import JobOptions
from contract.tasks import BakeTask
from worker_agent.stores import Stores
from worker_agent.tasks.outcome import GiveBack, Outcome, Settled
from worker_agent.tasks.task_queue import TaskQueue

SURE_SECONDS: Final = 65
"""NFS may remember for a minute that a name is not there."""
LOOK_AGAIN_SECONDS: Final = 15


class LostProject:
    """For the renderer; no frame fails by it."""

    def __init__(
        self, *, stores: Stores, bake_queue: TaskQueue, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._stores = stores
        self._bake_queue = bake_queue
        self._now = now
        self._missed: tuple[str, float] = ("", 0.0)
        """The project that was not there when last looked for, and since when."""

    def outcome(self, job: Job) -> Outcome | None:
        """What becomes of a task of this job; None when its project is where it should be.

        The frames come back as new tasks with the new project. A sender that dies between the record and
        the message leaves a queued job, which the farm's sweep sends again.
        """
        if not self._stores.scratch.has_lost(job.job_id, job.baked_folder):
            return None
        missed, since = self._missed
        if missed != job.baked_folder:
            self._missed = missed, since = job.baked_folder, self._now()
        if self._now() - since < SURE_SECONDS:
            return GiveBack("its prepared project is not to be seen", delay_seconds=LOOK_AGAIN_SECONDS)
        losses = job.bake_attempts + 1
        what = "the prepared project is gone from the workers' shared folder"
        if losses >= JobOptions.from_map(job.options).attempts:
            self._stores.jobs.stop_rendering(job.job_id, f"{what} (prepared {losses} times): retry the job")
        elif self._stores.jobs.send_back(job, f"{what}: preparing it again"):
            self._bake_queue.send([BakeTask(job.job_id)])
        return Settled(what)
