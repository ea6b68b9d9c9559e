"""Blender releases kept in the farm's own bucket: one worker downloads each, all others take it from there.

The archive's SHA-256 is written first, then the archive; neither is ever written again (If-None-Match). So an
archive that differs from its sum was changed by somebody, and is refused, not replaced: a person should know.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from contract.keys import blender_archive_key, blender_sum_key
from worker_agent.runtimes.errors import InstallError
from worker_agent.tasks.outcome import InterruptedTaskError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

log = logging.getLogger(__name__)

MAX_ARCHIVE_BYTES: Final = 2 * 1024**3
"""A release has some 400 MB packed: more than this is none."""
PART_BYTES: Final = 32 * 1024**2
"""Of an upload: S3 takes 5 MiB and more."""
_CHUNK_BYTES: Final = 1024**2
_SUM_BYTES: Final = 64
_ABSENT: Final = {"404", "NoSuchKey"}
_KEPT_BY_ANOTHER: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class KeptReleases:
    """`s3` makes a client: most workers need none, for their Blender is there."""

    def __init__(self, s3: Callable[[], S3Client], bucket: str) -> None:
        self._make_s3 = s3
        self._bucket = bucket
        self._client: S3Client | None = None

    def fetch(self, version: str, target: Path, stopped: Callable[[], bool]) -> bool:
        """Write the release's archive to `target`, checked; False when it is not kept yet.

        Raises InstallError when it was changed or cannot be read, InterruptedTaskError.
        """
        expected = self.kept_sum(version)
        if not expected:
            return False
        found = self._download(blender_archive_key(version), target, stopped)
        if found and found != expected:
            raise InstallError(
                f"changed archive: {self._where(version)} has the SHA-256 {found}, and {expected} was kept"
                " with it: it was not installed. Find out who wrote it; then delete it and its .sha256, and"
                " a worker downloads the release anew"
            )
        return bool(found)

    def require_same(self, version: str, sha256: str) -> None:
        """Raises InstallError when another sum is kept than the release says now."""
        kept = self.kept_sum(version)
        if kept and kept != sha256:
            raise InstallError(
                f"changed release: it says the SHA-256 {sha256} of Blender {version}, and {kept} is kept"
                f" at {self._where(version)}.sha256: it was not installed. Find out which is right; delete"
                " the kept one if it is wrong"
            )

    def keep(self, version: str, archive: Path, sha256: str, stopped: Callable[[], bool]) -> None:
        """Keep an archive that was checked, if no other worker has kept it yet.

        What goes wrong is logged: this worker has its own copy. Raises InstallError when another worker has
        kept another sum, InterruptedTaskError.
        """
        try:
            if not self._put_sum(version, sha256):
                self.require_same(version, sha256)
            self._upload(blender_archive_key(version), archive, stopped)
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and _code(error) in _KEPT_BY_ANOTHER:
                log.info("another worker has kept Blender %s meanwhile", version)
            else:
                log.warning("Blender %s could not be kept at %s: %s", version, self._where(version), error)

    def kept_sum(self, version: str) -> str:
        """The SHA-256 that is kept of a release's archive; empty when none is. Raises InstallError."""
        key = blender_sum_key(version)
        try:
            with self._s3.get_object(Bucket=self._bucket, Key=key)["Body"] as body:
                text = body.read(_SUM_BYTES + 1).decode("ascii", "replace")
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and _code(error) in _ABSENT:
                return ""
            raise self._unreadable(key, error) from error
        if not re.fullmatch(r"[0-9a-f]{64}", text):
            raise InstallError(
                f"changed archive: s3://{self._bucket}/{key} holds {text!r}: expected a SHA-256. Find out who"
                " wrote it, and delete it"
            )
        return text

    @property
    def _s3(self) -> S3Client:
        if self._client is None:
            self._client = self._make_s3()
        return self._client

    def _download(self, key: str, target: Path, stopped: Callable[[], bool]) -> str:
        """The SHA-256 of what came; empty when nothing is there."""
        digest, size = hashlib.sha256(), 0
        try:
            with self._s3.get_object(Bucket=self._bucket, Key=key)["Body"] as body, target.open("xb") as file:
                while chunk := body.read(_CHUNK_BYTES):
                    _go_on(stopped)
                    size += len(chunk)
                    if size > MAX_ARCHIVE_BYTES:
                        raise InstallError(
                            f"changed archive: s3://{self._bucket}/{key} is larger than {MAX_ARCHIVE_BYTES}"
                            " bytes: it is no Blender. Find out who wrote it, and delete it"
                        )
                    digest.update(chunk)
                    file.write(chunk)
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and _code(error) in _ABSENT:
                return ""
            raise self._unreadable(key, error) from error
        return digest.hexdigest()

    def _put_sum(self, version: str, sha256: str) -> bool:
        """False when one is there already."""
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=blender_sum_key(version), Body=sha256.encode(), IfNoneMatch="*"
            )
        except ClientError as error:
            if _code(error) in _KEPT_BY_ANOTHER:
                return False
            raise
        return True

    def _upload(self, key: str, archive: Path, stopped: Callable[[], bool]) -> None:
        """In parts, whose completion fails when the key is there by then."""
        there: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        upload = {**there, "UploadId": self._s3.create_multipart_upload(**there)["UploadId"]}
        try:
            parts: list[CompletedPartTypeDef] = []
            with archive.open("rb") as file:
                while chunk := file.read(PART_BYTES):
                    _go_on(stopped)
                    number = len(parts) + 1
                    etag = self._s3.upload_part(**upload, PartNumber=number, Body=chunk)["ETag"]
                    parts.append({"ETag": etag, "PartNumber": number})
            self._s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except BaseException:
            self._abort(upload)
            raise

    def _abort(self, upload: dict[str, Any]) -> None:
        try:
            self._s3.abort_multipart_upload(**upload)
        except (BotoCoreError, ClientError) as error:  # the bucket forgets it in a week
            log.info("the upload of %s could not be broken off: %s", upload["Key"], error)

    def _where(self, version: str) -> str:
        return f"s3://{self._bucket}/{blender_archive_key(version)}"

    def _unreadable(self, key: str, error: Exception) -> InstallError:
        return InstallError(f"s3://{self._bucket}/{key} cannot be read: {error}")


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _go_on(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise InterruptedTaskError("the worker is stopping")
