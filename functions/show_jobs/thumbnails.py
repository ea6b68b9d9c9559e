"""Small pictures of frames, fetched once and kept while the Lambda is warm."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from contract.frame_record import FrameRecord
from contract.job import Job
from contract.keys import output_prefix, thumbnail_key
from contract.stored_part import where
from functions.show_jobs.board import Picture

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

MAX_BYTES: Final = 64 * 1024
"""Of one; a larger one is none of ours."""
KEPT_BYTES: Final = 32 * 1024 * 1024
_JPEG: Final = b"\xff\xd8\xff"


class Thumbnails:
    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lock = Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0

    def of(self, job: Job, record: FrameRecord) -> Picture | None:
        """None while there is none; a page does not fail for a picture that cannot be had."""
        own = thumbnail_key(job.project, job.job_id, record.frame)
        place = where(record.thumbnail, output=output_prefix(job.project, job.job_id), otherwise=own)
        name = " ".join(place.values())
        with self._lock:
            jpeg = self._kept.get(name)
            if jpeg is not None:
                self._kept.move_to_end(name)
        if jpeg is None:
            jpeg = self._fetch(place)
            if jpeg and record.thumbnail and len(jpeg) < record.thumbnail.size_bytes:  # browsers show halves
                jpeg = None
            if jpeg is None and record.thumbnail:  # it is past its time; the job's last one is kept there
                jpeg = self._fetch({"Key": own})
            if jpeg is None:
                return None
            self._keep(name, jpeg)
        return Picture(frame=record.frame, jpeg=jpeg)

    def _fetch(self, place: Mapping[str, Any]) -> bytes | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, **place)
            with answer["Body"] as body:
                jpeg = body.read(MAX_BYTES + 1)
        except (ClientError, BotoCoreError) as error:
            log.info("no thumbnail %s: %s", place, error)
            return None
        return jpeg if jpeg.startswith(_JPEG) and len(jpeg) <= MAX_BYTES else None

    def _keep(self, name: str, jpeg: bytes) -> None:
        with self._lock:
            if name in self._kept:  # another thread was quicker
                return
            self._kept[name] = jpeg
            self._kept_bytes += len(jpeg)
            while self._kept_bytes > KEPT_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= len(oldest)
