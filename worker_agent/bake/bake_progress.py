"""Tells on the job's record how far its bake is."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict

from botocore.exceptions import BotoCoreError, ClientError

from worker_agent.blender import BakeProgress
from worker_agent.services.patience import impatient
from worker_agent.stores.job_store import JobStore

log = logging.getLogger(__name__)

PERIOD_SECONDS = 2.0
"""A bake steps through frames quicker than anybody reads, and every write costs."""


class BakeProgressNote:
    """Writes one step in each period; a step that cannot be written is not worth the bake."""

    def __init__(self, jobs: JobStore, job_id: str, token: str) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self._token = token
        self._written_at: float | None = None

    def take(self, progress: BakeProgress) -> None:
        now = time.monotonic()
        if self._written_at is not None and now - self._written_at < PERIOD_SECONDS:
            return
        self._written_at = now
        log.info("baking %s", progress)
        try:
            with impatient():  # Blender goes on meanwhile, and nobody would read what it says
                self._jobs.note_bake(self._job_id, token=self._token, progress=asdict(progress))
        except (BotoCoreError, ClientError) as error:
            log.warning("could not tell of the bake: %s", error)
