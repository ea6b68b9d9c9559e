"""A job's logs in the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from contract.job import Job, timestamp
from contract.keys import attempt_log, bake_log_key, frame_log_key, inspection_key, output_prefix
from contract.stored_part import StoredPart, where
from farm.jobs import Farm
from farm.plain_errors import PlainError

MAX_LOG_BYTES: Final = 32 * 1024**2
"""Of a longer log the rest is left out: the agents keep theirs far below it."""


class NoLogError(PlainError):
    """There is no such log; the message says what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    name: str
    """Relative to the job's logs."""
    size_bytes: int
    written_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A log that may be there."""

    name: str
    """Relative to the job's logs."""
    part: StoredPart | None = None
    """Which part of it, when frames share it."""


@dataclass(frozen=True, slots=True)
class JobLogs:
    farm: Farm
    job: Job

    @property
    def _prefix(self) -> str:
        return output_prefix(self.job.project, self.job.job_id) + "logs/"

    def listed(self, beginning: str = "") -> Iterator[Log]:
        """Those whose name begins so, by their names."""
        pages = self.farm.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.farm.bucket, Prefix=self._prefix + beginning
        )
        for page in pages:
            for item in page.get("Contents", []):
                yield Log(
                    name=item["Key"].removeprefix(self._prefix),
                    size_bytes=item["Size"],
                    written_at=timestamp(item["LastModified"]),
                )

    def meant(self, *, frame: int | None, attempt: int | None, inspection: bool) -> Wanted:
        """The log that is meant: of a frame that was never rendered the last attempt's."""
        project, job_id = self.job.project, self.job.job_id
        if inspection:
            return Wanted(name=inspection_key(project, job_id).removeprefix(self._prefix))
        if frame is None:
            return Wanted(name=bake_log_key(project, job_id).removeprefix(self._prefix))
        if attempt is not None:
            return Wanted(name=attempt_log(frame, attempt).removeprefix("logs/"))
        record = self.farm.records.frame(self.job, frame) if self.job.shards else None
        if record and record.log:
            return Wanted(name=record.log.key.removeprefix("logs/"), part=record.log)
        return Wanted(name=self._name_of_frame(frame))

    def _name_of_frame(self, frame: int) -> str:
        whole = frame_log_key(self.job.project, self.job.job_id, frame).removeprefix(self._prefix)
        names = [log.name for log in self.listed(whole.removesuffix(".log"))]
        if not names or whole in names:
            return whole
        tries = [attempt_log(frame, number).removeprefix("logs/") for number in range(len(names), 0, -1)]
        return next((name for name in tries if name in names), whole)

    def read(self, log: Wanted) -> str:
        """Raises NoLogError."""
        output = output_prefix(self.job.project, self.job.job_id)
        place: Any = where(log.part, output=output, otherwise=self._prefix + log.name)
        try:
            answer = self.farm.s3.get_object(Bucket=self.farm.bucket, **place)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("InvalidRange", "416"):
                raise NoLogError(
                    f"logs/{log.name} of job {self.job.job_id} is shorter than the frame's record says: "
                    "the rest is lost. Only the farm's workers write there: see who else did"
                ) from error
            if code not in ("NoSuchKey", "404"):
                raise
            raise NoLogError(
                f"job {self.job.job_id} ({self.job.state}) has no {log.name}: "
                f"`farm logs {self.job.job_id} --list` shows which logs there are"
            ) from error
        return answer["Body"].read(MAX_LOG_BYTES).decode("utf-8", "replace")
