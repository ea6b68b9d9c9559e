"""A farm as a person's computer sees it: a bucket to send files to, a table to read jobs from, a queue.

The same code serves AWS and the laptop farm; clients are passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from contract.keys import read_upload_key
from contract.options import JobOptions
from contract.record_reader import RecordReader
from farm.plain_errors import MisusedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

MAX_METADATA_BYTES = 2048


class SubmitError(MisusedError):
    """A file that cannot be sent as a job; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """Where jobs go and where they are recorded."""

    s3: S3Client
    table: Table
    sqs: SQSClient
    bucket: str
    bake_queue_url: str
    """Where a job goes that is retried."""

    @property
    def records(self) -> RecordReader:
        return RecordReader(self.table.meta.client, self.table.name)


def encode_options(file: Path, options: Mapping[str, str | int | None]) -> dict[str, str]:
    """Job options for a file as object metadata: what is not None, percent-encoded, for metadata is ASCII.

    Raises OptionError for what the farm would refuse, SubmitError for more than S3 takes.
    """
    metadata = {name: quote(str(value), safe="/:;,") for name, value in options.items() if value is not None}
    JobOptions.from_metadata(metadata).check_upload(file.name)
    if sum(len(name) + len(value) for name, value in metadata.items()) > MAX_METADATA_BYTES:
        raise SubmitError(
            f"the options are longer than the {MAX_METADATA_BYTES} bytes that S3 keeps with a file"
        )
    return metadata


def upload_key(file: Path, project: str | None) -> str:
    """The key under which a file starts a job. Raises SubmitError."""
    folder = file.name.split(".")[0] if project is None else project.strip("/")
    key = f"{folder}/{file.name}"
    refusal = read_upload_key(key)
    if isinstance(refusal, str):
        raise SubmitError(f"{key!r} would start no job: {refusal}")
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise SubmitError(f"the project {project!r} is no folder: expected something like shots/010")
    return key
