"""The bucket as the agent uses it."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from contract.job import Job
from contract.keys import BLENDER_METADATA, frames_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SourceGoneError(Exception):
    """The uploaded version is not in the bucket any more."""


class Bucket:
    def __init__(self, s3: S3Client, name: str) -> None:
        self._s3 = s3
        self._name = name

    def download_source(self, job: Job, target: Path) -> None:
        """Fetch the very version that was uploaded. Raises SourceGoneError."""
        try:
            self._s3.download_file(
                job.bucket, job.source_key, str(target), ExtraArgs={"VersionId": job.source_version}
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchVersion"):
                raise SourceGoneError(
                    f"{job.source_key} (version {job.source_version}) is not in the bucket any more: "
                    "upload it again"
                ) from error
            raise

    def upload_frame_file(self, job: Job, name: str, file: Path, *, blender_version: str) -> None:
        """Put one file that a frame produced under its name, relative to the job's frames."""
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self._s3.upload_file(
            str(file),
            self._name,
            frames_prefix(job.project, job.job_id) + name,
            ExtraArgs={"ContentType": content_type, "Metadata": {BLENDER_METADATA: blender_version}},
        )

    def put_text(self, key: str, text: str, *, content_type: str = "text/plain; charset=utf-8") -> None:
        self._s3.put_object(
            Bucket=self._name, Key=key, Body=text.encode("utf-8", "replace"), ContentType=content_type
        )
