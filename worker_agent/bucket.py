"""The bucket as the agent uses it."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlencode

from botocore.exceptions import ClientError

from contract.job import Job
from contract.keys import (
    BLENDER_METADATA,
    KEPT_SHORT,
    NOTE_METADATA,
    frames_prefix,
    proxy_key,
    thumbnail_key,
)
from worker_agent.output_check.pictures import MOST_BYTES, Pictures
from worker_agent.patience import patiently
from worker_agent.watchdog import beat_of_this_thread, still_alive

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


ONE_REQUEST_BYTES: Final = 8 << 20
"""From here on boto3's transfers send a file in parts (its TransferConfig.multipart_threshold)."""
_JPEG: Final = "image/jpeg"
_MOST_NOTE_LETTERS: Final = 1_500
_ABSENT: Final = {"404", "NoSuchKey"}


class SourceGoneError(Exception):
    """The uploaded version is not in the bucket any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProxy:
    """The picture of a frame for previews: a JPEG, and how it differs from what Blender shows."""

    data: bytes
    note: str


class Bucket:
    """`quick_s3` is for what is worth no waiting."""

    def __init__(self, s3: S3Client, name: str, *, quick_s3: S3Client | None = None) -> None:
        self._s3 = s3
        self._quick_s3 = quick_s3 or s3
        self._name = name

    def download_source(self, job: Job, target: Path) -> None:
        """Fetch the very version that was uploaded. Raises SourceGoneError."""
        try:
            self._s3.download_file(
                job.bucket,
                job.source_key,
                str(target),
                ExtraArgs={"VersionId": job.source_version},
                Callback=_progress(),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in {*_ABSENT, "NoSuchVersion"}:
                raise SourceGoneError(
                    f"{job.source_key} (version {job.source_version}) is not in the bucket any more: "
                    "upload it again"
                ) from error
            raise

    def upload_frame_file(self, job: Job, name: str, file: Path, *, blender_version: str) -> None:
        """Put one file that a frame produced under its name, relative to the job's frames."""
        self._put_file(
            frames_prefix(job.project, job.job_id) + name,
            file,
            content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            metadata={BLENDER_METADATA: blender_version},
        )

    def put_pictures(
        self, job: Job, frame: int, pictures: Pictures, wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Put the small pictures of a frame, without patience, and only while they are `wanted`."""
        self._quick_s3.put_object(
            Bucket=self._name,
            Key=thumbnail_key(job.project, job.job_id, frame),
            Body=pictures.thumbnail,
            ContentType=_JPEG,
        )
        if not wanted():
            return
        self._quick_s3.put_object(
            Bucket=self._name,
            Key=proxy_key(job.project, job.job_id, frame),
            Body=pictures.proxy,
            ContentType=_JPEG,
            Metadata={NOTE_METADATA: quote(pictures.note)[:_MOST_NOTE_LETTERS]} if pictures.note else {},
            Tagging=urlencode([KEPT_SHORT]),
        )

    def proxy(self, job: Job, frame: int) -> StoredProxy | None:
        """The frame's proxy; in place of one that is past its time its thumbnail, if that is there."""
        for key in (proxy_key(job.project, job.job_id, frame), thumbnail_key(job.project, job.job_id, frame)):
            try:
                return patiently(partial(self._picture, key), f"a read of {key}")
            except ClientError as error:
                if error.response["Error"]["Code"] not in _ABSENT:
                    raise
        return None

    def _picture(self, key: str) -> StoredProxy:
        answer = self._s3.get_object(Bucket=self._name, Key=key)
        with answer["Body"] as body:
            data = body.read(MOST_BYTES)
        return StoredProxy(data=data, note=unquote(answer["Metadata"].get(NOTE_METADATA, "")))

    def upload_file(self, key: str, file: Path, *, content_type: str) -> None:
        self._put_file(key, file, content_type=content_type, metadata={})

    def _put_file(self, key: str, file: Path, *, content_type: str, metadata: dict[str, str]) -> None:
        """One request for a file of an ordinary frame's size; a larger one goes in parts, by threads."""
        if file.stat().st_size < ONE_REQUEST_BYTES:
            self._s3.put_object(
                Bucket=self._name,
                Key=key,
                Body=file.read_bytes(),  # of an open file a second try would send the rest
                ContentType=content_type,
                Metadata=metadata,
            )
            still_alive()
            return
        self._s3.upload_file(
            str(file),
            self._name,
            key,
            ExtraArgs={"ContentType": content_type, "Metadata": metadata},
            Callback=_progress(),
        )

    def put_text(self, key: str, text: str, *, content_type: str = "text/plain; charset=utf-8") -> None:
        self._s3.put_object(
            Bucket=self._name, Key=key, Body=text.encode("utf-8", "replace"), ContentType=content_type
        )


def _progress() -> Callable[[int], None]:
    """Told of bytes by a transfer's threads: as long as some come or go, who waits for it is not stuck."""
    beat = beat_of_this_thread()
    return lambda _: beat()
