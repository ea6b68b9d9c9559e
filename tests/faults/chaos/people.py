"""The people of a run: they upload scenes over a while, cancel one midway, and retry one that failed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from contract.job import Job, JobState, Progress
from contract.keys import make_job_id
from farm.control import RefusedError, cancel, retry
from farm.jobs import encode_options
from tests.faults.chaos.adversary import Known
from tests.faults.chaos.log_book import LogBook
from tests.faults.chaos.plan import Fate, PlannedJob
from tests.faults.chaos.stage import Stage

FIRST_UPLOADS: Final = 4
UPLOAD_SECONDS: Final = 2.0
"""Between one upload and the next, once the first few are there."""
CANCEL_PERCENTAGE: Final = 30
"""Of its frames that are done when a job is canceled."""


@dataclass
class People:
    stage: Stage
    waiting: list[PlannedJob]
    known: Known
    seen: dict[str, Job] = field(default_factory=dict)
    """Each job as it was a moment ago."""
    ended: dict[str, Job] = field(default_factory=dict)
    """Jobs with which nothing more is to happen."""
    canceled_at: dict[str, float] = field(default_factory=dict)
    """Epoch seconds."""
    retried_at: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _next_upload: float = 0.0

    def step(self, now: float) -> None:
        """Do what is due; `now` counts the seconds of the run."""
        while self.waiting and (len(self.known.jobs) < FIRST_UPLOADS or now >= self._next_upload):
            self._upload(self.waiting.pop(0))
            self._next_upload = now + UPLOAD_SECONDS
        for job_id, planned in self.known.jobs:
            job = None if job_id in self.ended else self.stage.farm.farm.records.job(job_id)
            if job:
                self.seen[job_id] = job
                self._act(job, planned)

    @property
    def satisfied(self) -> bool:
        """Whether every job has come to its end."""
        return not self.waiting and len(self.ended) == len(self.known.jobs)

    def _act(self, job: Job, planned: PlannedJob) -> None:
        if planned.fate is Fate.CANCELED and job.state is JobState.RENDERING:
            self._cancel_midway(job)
        elif job.state.ended and planned.fate is Fate.RETRIED and job.job_id not in self.retried_at:
            self._retry(job)
        elif job.state.ended:
            self.ended[job.job_id] = job

    def _cancel_midway(self, job: Job) -> None:
        progress = sum(self.stage.farm.farm.records.shards([job])[job.job_id], Progress())
        if progress.done * 100 < CANCEL_PERCENTAGE * progress.total:
            return
        try:
            cancel(self.stage.farm.farm, job.job_id)
        except RefusedError as error:
            self.problems.append(str(error))
        self.canceled_at[job.job_id] = time.time()

    def _retry(self, job: Job) -> None:
        """Once it has failed as it had to: the artist mends the scene that was uploaded."""
        if job.state is not JobState.DONE_WITH_FAILURES:
            self.problems.append(f"{job.job_id} was {job.state} ({job.reason}) before it was retried")
        LogBook(str(self.stage.books), job.job_id).mend()
        self.retried_at[job.job_id] = time.time()
        try:
            retry(self.stage.farm.farm, job.job_id)
        except RefusedError as error:
            self.problems.append(str(error))

    def _upload(self, planned: PlannedJob) -> None:
        farm = self.stage.farm.farm
        key = f"chaos/{planned.name}.blend"
        metadata = encode_options(self.stage.scene, planned.metadata)
        with self.stage.scene.open("rb") as body:
            answer = farm.s3.put_object(Bucket=farm.bucket, Key=key, Body=body, Metadata=metadata)
        version = answer["VersionId"]
        self.known.jobs.append((make_job_id(farm.bucket, key, version), planned))
        self.known.events.append(_event(farm.bucket, key, version))


def _event(bucket: str, key: str, version: str) -> Mapping[str, object]:
    """What S3 tells the listener."""
    uploaded = {"bucket": {"name": bucket}, "object": {"key": quote(key), "versionId": version}}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": uploaded}]}
