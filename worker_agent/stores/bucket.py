"""The bucket as the agent uses it."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote
from uuid import uuid4

from botocore.exceptions import ClientError

from contract.frame_record import FrameRecord
from contract.job import Job
from contract.keys import (
    BLENDER_METADATA,
    NOTE_METADATA,
    frame_log_key,
    frames_prefix,
    output_prefix,
    proxy_key,
    shared_log,
    small_pictures,
    thumbnail_key,
)
from contract.stored_part import FrameParts, StoredPart, where, whole_key
from worker_agent.output_check.pictures import MOST_BYTES, Pictures
from worker_agent.services.patience import patiently
from worker_agent.stores.shared_object import SharedObject
from worker_agent.watchdog import beat_of_this_thread, still_alive

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


ONE_REQUEST_BYTES: Final = 8 << 20
"""From here on boto3's transfers send a file in parts (its TransferConfig.multipart_threshold)."""
_JPEG: Final = "image/jpeg"
_MOTION_JPEG: Final = "video/x-motion-jpeg"
_MOST_NOTE_LETTERS: Final = 1_500
_ABSENT: Final = {"404", "NoSuchKey"}
_TOO_SHORT: Final = {"416", "InvalidRange"}
"""An object ends before the part that is asked for."""
_TEXT: Final = "text/plain; charset=utf-8"


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

    def put_logs(self, job: Job, logs: Mapping[int, str]) -> dict[int, StoredPart]:
        """Put what Blender said of frames that were rendered together: of one into the object of its number,
        of several into one object. Where each lies then."""
        if len(logs) == 1:
            ((frame, log),) = logs.items()
            self.put_text(frame_log_key(job.project, job.job_id, frame), log)
            return {}
        shared = SharedObject(shared_log(min(logs), max(logs), uuid4().hex[:12]))
        parts = {
            frame: shared.add(f"--- frame {frame} ---\n{log.rstrip()}\n".encode("utf-8", "replace"))
            for frame, log in logs.items()
        }
        self._s3.put_object(
            Bucket=self._name,
            Key=output_prefix(job.project, job.job_id) + shared.key,
            Body=shared.content,
            ContentType=_TEXT,
        )
        return parts

    def put_pictures(self, job: Job, pictures: Mapping[int, Pictures]) -> dict[int, FrameParts]:
        """Put the small pictures of frames that are recorded together into one object, without patience.

        Where each frame's lie then. What the first lacks is noted of all: they are of one scene.
        """
        shared = SharedObject(small_pictures(job.job_id, min(pictures), max(pictures), uuid4().hex[:12]))
        parts = {
            frame: FrameParts(proxy=shared.add(of_frame.proxy), thumbnail=shared.add(of_frame.thumbnail))
            for frame, of_frame in pictures.items()
        }
        note = next((of_frame.note for of_frame in pictures.values() if of_frame.note), "")
        self._quick_s3.put_object(
            Bucket=self._name,
            Key=whole_key(shared.key, output=output_prefix(job.project, job.job_id)),
            Body=shared.content,
            ContentType=_MOTION_JPEG,
            Metadata={NOTE_METADATA: quote(note)[:_MOST_NOTE_LETTERS]} if note else {},
        )
        return parts

    def proxy(self, job: Job, record: FrameRecord) -> StoredProxy | None:
        """The picture of a frame for the preview; in place of one that is past its time the thumbnail of an
        older agent, if that is there."""
        output = output_prefix(job.project, job.job_id)
        own = proxy_key(job.project, job.job_id, record.frame)
        places = [where(record.proxy, output=output, otherwise=own)]
        if record.thumbnail is None:
            places.append({"Key": thumbnail_key(job.project, job.job_id, record.frame)})
        for place in places:
            try:
                return patiently(partial(self._picture, place), f"a read of {place}")
            except ClientError as error:
                if error.response["Error"]["Code"] not in {*_ABSENT, *_TOO_SHORT}:
                    raise
        return None

    def keep_thumbnail(self, job: Job, record: FrameRecord) -> None:
        """Put the small picture of a frame into an object of its own, which stays: the other goes with its
        proxy. Without patience; nothing when there is none."""
        if record.thumbnail is None:
            return
        output = output_prefix(job.project, job.job_id)
        own = thumbnail_key(job.project, job.job_id, record.frame)
        place: Any = where(record.thumbnail, output=output, otherwise=own)
        with self._quick_s3.get_object(Bucket=self._name, **place)["Body"] as body:
            data = body.read(MOST_BYTES)
        if len(data) < record.thumbnail.size_bytes:
            return
        self._quick_s3.put_object(Bucket=self._name, Key=own, Body=data, ContentType=_JPEG)

    def _picture(self, place: Mapping[str, Any]) -> StoredProxy:
        answer = self._s3.get_object(Bucket=self._name, **place)
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

    def put_text(self, key: str, text: str, *, content_type: str = _TEXT) -> None:
        self._s3.put_object(
            Bucket=self._name, Key=key, Body=text.encode("utf-8", "replace"), ContentType=content_type
        )


def _progress() -> Callable[[int], None]:
    """Told of bytes by a transfer's threads: as long as some come or go, who waits for it is not stuck."""
    beat = beat_of_this_thread()
    return lambda _: beat()
