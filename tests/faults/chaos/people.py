"""The people of a run: they upload scenes over a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from contract.job import Job
from contract.keys import make_job_id
from farm.jobs import encode_options, read_job
from tests.faults.chaos.adversary import Known
from tests.faults.chaos.plan import PlannedJob
from tests.faults.chaos.stage import Stage

FIRST_UPLOADS: Final = 4
UPLOAD_SECONDS: Final = 2.0
"""Between one upload and the next, once the first few are there."""


@dataclass
class People:
    stage: Stage
    waiting: list[PlannedJob]
    known: Known
    ended: dict[str, Job] = field(default_factory=dict)
    """Jobs with which nothing more is to happen."""
    seen: dict[str, Job] = field(default_factory=dict)
    """Each job as it was a moment ago."""
    _next_upload: float = 0.0

    def step(self, now: float) -> None:
        """Do what is due; `now` counts the seconds of the run."""
        while self.waiting and (len(self.known.jobs) < FIRST_UPLOADS or now >= self._next_upload):
            self._upload(self.waiting.pop(0))
            self._next_upload = now + UPLOAD_SECONDS
        for job_id, _ in self.known.jobs:
            if job_id not in self.ended:
                job = read_job(self.stage.farm.farm, job_id)
                if job:
                    self.seen[job_id] = job
                if job and job.state.ended:
                    self.ended[job_id] = job

    @property
    def satisfied(self) -> bool:
        """Whether every job has come to its end."""
        return not self.waiting and len(self.ended) == len(self.known.jobs)

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
