"""What is to be known before frames are rendered, in one question: their job, and which have ended."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from contract.frame_record import FrameRecord
from contract.job import Job
from contract.table import SORT_KEY, frame_key, job_key
from worker_agent.stores import Stores

_JOBS: Final = 8
"""Whose shards are remembered: a worker is at one job, or at few."""


class WantedFrames:
    """For any thread. A job's frames are spread over shards, as many as its first bake sets: once that is
    known, their records are read with the job's."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._lock = threading.Lock()
        self._shards: OrderedDict[str, int] = OrderedDict()

    def look(self, job_id: str, frames: Sequence[int]) -> tuple[Job | None, frozenset[int]]:
        """The job as it is now, if there is one, and those of the frames that are done or given up."""
        with self._lock:
            shards = self._shards.get(job_id, 0)
        if shards:
            job, ended = self._together(job_id, shards, frames)
            if job is None or job.shards == shards:
                return job, ended
        job = self._stores.jobs.job(job_id)
        if job is None or not job.shards:
            return job, frozenset()
        self._remember(job)
        return job, self._stores.frames.ended(job, frames)

    def _together(self, job_id: str, shards: int, frames: Sequence[int]) -> tuple[Job | None, frozenset[int]]:
        whole = job_key(job_id)
        keys = [whole, *(frame_key(job_id, shards, frame) for frame in frames)]
        job, records = None, []
        for item in self._stores.frames.read(keys):
            if item[SORT_KEY] == whole[SORT_KEY]:
                job = Job.from_item(item)
            else:
                records.append(FrameRecord.from_item(item))
        return job, frozenset(record.frame for record in records if record.ended)

    def _remember(self, job: Job) -> None:
        with self._lock:
            self._shards[job.job_id] = job.shards
            while len(self._shards) > _JOBS:
                self._shards.popitem(last=False)
