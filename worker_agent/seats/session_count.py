"""How many Blenders render each job on this worker at once: what its owner said, or what was found out."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from contract.blender_sessions import MOST_BLENDER_SESSIONS
from contract.devices import Device
from contract.job import Job
from worker_agent.seats.job_sessions import JobSessions, RenderedTurn
from worker_agent.seats.session_ceiling import SessionCeiling

log = logging.getLogger(__name__)

KEPT_JOBS: Final = 16


class SessionCounts:
    """The number of each of the last few jobs. Safe to use from any thread."""

    def __init__(
        self, pinned: int | None, *, processors: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`pinned`: what the farm's owner said; None: it is found out, job by job.

        `now` gives seconds that only go forward.
        """
        self._pinned = pinned
        self._now = now
        self.most = pinned or min(MOST_BLENDER_SESSIONS, processors)
        self._jobs: OrderedDict[str, JobSessions] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, job: Job) -> int:
        """How many Blenders are to render this job now. A GPU's memory is not shared out: one there."""
        with self._lock:
            sessions = self._of(job)
            if self._pinned is None and (job.device or Device.CPU) != Device.CPU:
                return 1
            return self._count(sessions)

    def add(self, job: Job, turn: RenderedTurn) -> None:
        """A task's frames have been rendered."""
        with self._lock:
            sessions = self._of(job)
            before = self._count(sessions)
            if self._pinned is None:
                sessions.add(turn)
            elif turn.sessions == before:  # what they bring is no question: the owner said how many
                sessions.ceiling.hold()
                sessions.ceiling.rise(before, sessions.ceiling.following(before))
            if (count := self._count(sessions)) != before:
                log.info(
                    "job %s: %d sessions, after %d; one used %.1f processors and left %.1f idle",
                    job.job_id,
                    count,
                    before,
                    turn.cores_used,
                    turn.cores_idle,
                )

    def fail(self, job: Job, sessions: int) -> None:
        """A frame has failed that may not have, had fewer Blenders been open than these: try with fewer."""
        with self._lock:
            self._of(job).fail(sessions)
            log.warning("job %s: a frame failed beside %d other Blenders", job.job_id, sessions - 1)

    def _count(self, sessions: JobSessions) -> int:
        return sessions.count if self._pinned is None else min(self._pinned, sessions.ceiling.most)

    def _of(self, job: Job) -> JobSessions:
        if job.job_id not in self._jobs:
            self._jobs[job.job_id] = JobSessions(
                SessionCeiling(self._now), wanted=self._pinned or 1, limit=self.most
            )
        sessions = self._jobs[job.job_id]
        self._jobs.move_to_end(job.job_id)
        if len(self._jobs) > KEPT_JOBS:
            self._jobs.popitem(last=False)
        return sessions
