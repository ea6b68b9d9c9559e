"""The scene that is open in a Blender, and why it would be opened anew before its next frames."""

from __future__ import annotations

import logging

from contract.job import Job
from worker_agent.blender import BlenderSession
from worker_agent.cage import Limits
from worker_agent.seats.session_growth import SessionGrowth

log = logging.getLogger(__name__)


class OpenScene:
    """One that has been opened, or kept open after it was inspected, for a job's frames."""

    def __init__(self, session: BlenderSession, *, job_id: str, folder: str, opening_seconds: float) -> None:
        """`folder` names the baked project; `opening_seconds` is what it took until it was open, the end of
        the Blender before it and the start of its own among it."""
        self._session = session
        self._job_id, self._folder = job_id, folder
        self._growth = SessionGrowth(most_bytes=Limits().most_memory_bytes, opening_seconds=opening_seconds)
        self._distrusted = False

    def is_of(self, job: Job) -> bool:
        """Whether it is this job's, as it was baked last."""
        return (self._job_id, self._folder) == (job.job_id, job.baked_folder)

    def distrust(self) -> None:
        """Have it opened anew, from any thread."""
        self._distrusted = True

    def is_worn(self, sessions: int) -> bool:
        """Whether it is to be opened anew before the task that comes now, beside others that share its memory
        (so many `sessions` in all): it is distrusted or has grown. To be asked between two tasks, by whoever
        uses its Blender."""
        if self._distrusted:
            return True
        session = self._session
        self._growth.look(
            session.memory_bytes, frames=session.frames_rendered, seconds=session.render_seconds
        )
        excess = self._growth.excess(sessions)
        if excess:
            log.warning("Blender is opened anew: %s", excess)
        return bool(excess)

    def will_be_worn(self, sessions: int) -> bool:
        """Whether it will be after the task that it is at. Safe to ask from any thread."""
        return self._distrusted or self._growth.is_foreseen(sessions)
