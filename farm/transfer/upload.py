"""Sending a file in parts, several at a time; parts that are there already are not sent again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from farm.file_stamp import stamp
from farm.transfer.parts import (
    MAX_OBJECT_BYTES,
    USUAL_PART_BYTES,
    checksum,
    part_bytes,
    parts_of,
    read_part,
    whole_checksum,
)
from farm.transfer.patience import Patience, code_of, status_of
from farm.transfer.sending_threads import SendingThreads
from farm.transfer.unfinished import Begun, UnfinishedUploads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, HeadObjectOutputTypeDef


class UploadError(ValueError):
    """A file that cannot be sent; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    version_id: str
    parts_sent: int
    parts_found: int
    """Sent by an earlier run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploader:
    s3: S3Client
    bucket: str
    unfinished: UnfinishedUploads
    patience: Patience
    usual_part_bytes: int = USUAL_PART_BYTES

    def send(
        self,
        file: Path,
        key: str,
        metadata: Mapping[str, str],
        tell: Callable[[int, bool], object] = lambda size, found: None,
    ) -> Uploaded:
        """Send it whole, or go on where an earlier run broke off. `tell` hears of each part's bytes and
        whether they were there already.

        Raises UploadError, GaveUpError, OSError, ClientError; what has arrived until then stays there.
        """
        before = stamp(file)
        size_bytes = before[0]
        if size_bytes == 0:
            raise UploadError(f"{file} is empty")
        if size_bytes > MAX_OBJECT_BYTES:
            raise UploadError(f"{file} is larger than {MAX_OBJECT_BYTES // 1024**4} TiB, the most S3 takes")
        each_bytes = part_bytes(size_bytes, self.usual_part_bytes)
        with self.unfinished.slot(
            bucket=self.bucket, key=key, metadata=metadata, sizes=(size_bytes, each_bytes)
        ) as slot:
            begun = slot.recall()
            there = self._parts_there(key, begun.upload_id) if begun else None
            if begun and there is None:
                version_id = self._ended_before(file, key, metadata, begun, each_bytes)
                if version_id:
                    slot.forget()
                    tell(size_bytes, True)
                    count = len(list(parts_of(size_bytes, each_bytes)))
                    return Uploaded(version_id=version_id, parts_sent=0, parts_found=count)
            if begun is None or there is None:
                begun, there = self._begin(key, metadata), {}
                slot.remember(begun)
            sending = SendingThreads(
                s3=self.s3,
                bucket=self.bucket,
                patience=self.patience,
                file=file,
                key=key,
                upload_id=begun.upload_id,
                there=there,
                tell=tell,
            )
            sending.run(parts_of(size_bytes, each_bytes))
            if stamp(file) != before:
                raise UploadError(f"{file} has changed while it was sent: submit it again")
            version_id = self._complete(key, metadata, begun, sending.done)
            slot.forget()
        return Uploaded(version_id=version_id, parts_sent=sending.sent, parts_found=sending.found)

    def _begin(self, key: str, metadata: Mapping[str, str]) -> Begun:
        head = self._head(key)
        answer = self.patience.call(
            f"the upload of {key}",
            lambda: self.s3.create_multipart_upload(
                Bucket=self.bucket, Key=key, Metadata=dict(metadata), ChecksumAlgorithm="SHA256"
            ),
        )
        return Begun(upload_id=answer["UploadId"], version_before=head.get("VersionId", "") if head else "")

    def _parts_there(self, key: str, upload_id: str) -> dict[int, CompletedPartTypeDef] | None:
        """None when the upload is not there any more."""

        def listed() -> dict[int, CompletedPartTypeDef]:
            pages = self.s3.get_paginator("list_parts").paginate(
                Bucket=self.bucket, Key=key, UploadId=upload_id
            )
            return {
                part["PartNumber"]: {
                    "PartNumber": part["PartNumber"],
                    "ETag": part["ETag"],
                    "ChecksumSHA256": part.get("ChecksumSHA256", ""),
                }
                for page in pages
                for part in page.get("Parts", [])
            }

        try:
            return self.patience.call(f"the list of what is there of {key}", listed)
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise
            return None

    def _complete(
        self, key: str, metadata: Mapping[str, str], begun: Begun, done: Mapping[int, CompletedPartTypeDef]
    ) -> str:
        """The version of the object that its parts make. An answer that is lost is asked for again."""
        parts = [done[number] for number in sorted(done)]
        try:
            answer = self.patience.call(
                f"the end of the upload of {key}",
                lambda: self.s3.complete_multipart_upload(
                    Bucket=self.bucket, Key=key, UploadId=begun.upload_id, MultipartUpload={"Parts": parts}
                ),
            )
            return answer["VersionId"]
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise
            checksums = [part.get("ChecksumSHA256", "") for part in parts]
            version_id = self._made_of(key, metadata, begun, checksums)
            if not version_id:
                raise
            return version_id

    def _ended_before(
        self, file: Path, key: str, metadata: Mapping[str, str], begun: Begun, each_bytes: int
    ) -> str:
        """The version that an earlier run has made of this very file without hearing of it; empty: none."""
        parts = parts_of(file.stat().st_size, each_bytes)
        return self._made_of(key, metadata, begun, [checksum(read_part(file, part)) for part in parts])

    def _made_of(self, key: str, metadata: Mapping[str, str], begun: Begun, checksums: list[str]) -> str:
        """The object's version, when it is of these very parts and came after the upload had begun."""
        head = self._head(key)
        if head is None or head.get("VersionId") == begun.version_before:
            return ""  # an earlier job's: a file that is sent again on purpose makes a new one
        same = head.get("ChecksumSHA256") == whole_checksum(checksums) and head["Metadata"] == metadata
        return head["VersionId"] if same else ""

    def _head(self, key: str) -> HeadObjectOutputTypeDef | None:
        """What is there now. None also where it may not be asked for."""
        try:
            return self.patience.call(
                f"a look at {key}",
                lambda: self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED"),
            )
        except ClientError as error:
            if status_of(error) not in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                raise
            return None
