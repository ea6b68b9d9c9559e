"""A farm as a person's computer sees it: a bucket to send files to, a table to read jobs from, a queue.

The same code serves AWS and the laptop farm; clients are passed in. No table is scanned: jobs are
listed through their index, frames through their shards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from boto3.dynamodb.conditions import Key

from contract.job import FrameRecord, Job, Progress
from contract.keys import make_job_id, read_upload_key
from contract.options import JobOptions
from contract.table import (
    FRAME_PREFIX,
    INDEX_PARTITION_KEY,
    JOB_LISTING,
    JOBS_BY_CREATION,
    PARTITION_KEY,
    SORT_KEY,
    counter_key,
    job_key,
    shard_partition,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

MAX_UPLOAD_BYTES = 5 * 1024**3
"""What S3 takes in one put."""
MAX_METADATA_BYTES = 2048


class SubmitError(ValueError):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    job_id: str
    key: str


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


def submit(farm: Farm, file: Path, *, key: str, metadata: Mapping[str, str]) -> Submission:
    """Upload a file. The job's id is known at once, before the farm has heard of it."""
    if not file.is_file():
        raise SubmitError(f"{file} is no file")
    if file.stat().st_size > MAX_UPLOAD_BYTES:
        raise SubmitError(
            f"{file} is larger than {MAX_UPLOAD_BYTES // 1024**3} GB, the most that one upload takes"
        )
    with file.open("rb") as body:
        answer = farm.s3.put_object(Bucket=farm.bucket, Key=key, Body=body, Metadata=dict(metadata))
    return Submission(job_id=make_job_id(farm.bucket, key, answer["VersionId"]), key=key)


def read_job(farm: Farm, job_id: str) -> Job | None:
    """The job's record, or None while the farm has not heard of it."""
    item = farm.table.get_item(Key=job_key(job_id), ConsistentRead=True).get("Item")
    return Job.from_item(item) if item else None


def read_progress(farm: Farm, job: Job) -> list[Progress]:
    """Each shard's counter, in their order."""
    name, client = farm.table.name, farm.table.meta.client
    keys = [counter_key(job.job_id, shard) for shard in range(job.shards)]
    found: dict[str, Progress] = {}
    wanted: Any = {name: {"Keys": keys, "ConsistentRead": True}} if keys else {}
    while wanted:
        answer = client.batch_get_item(RequestItems=wanted)
        for item in answer["Responses"].get(name, []):
            found[str(item[PARTITION_KEY])] = Progress.from_item(item)
        wanted = answer.get("UnprocessedKeys")
    return [found.get(key[PARTITION_KEY], Progress()) for key in keys]


def read_frames(farm: Farm, job_id: str, shards: Sequence[int]) -> Iterator[FrameRecord]:
    """The frames recorded so far in these shards."""
    for shard in shards:
        condition = Key(PARTITION_KEY).eq(shard_partition(job_id, shard)) & Key(SORT_KEY).begins_with(
            FRAME_PREFIX
        )
        for item in _query(farm.table, KeyConditionExpression=condition, ConsistentRead=True):
            yield FrameRecord.from_item(item)


def latest_jobs(farm: Farm, limit: int) -> list[Job]:
    """The newest jobs, newest first."""
    condition = Key(INDEX_PARTITION_KEY).eq(JOB_LISTING)
    items = _query(
        farm.table,
        IndexName=JOBS_BY_CREATION,
        KeyConditionExpression=condition,
        ScanIndexForward=False,
        Limit=limit,
    )
    return [Job.from_item(item) for item in islice(items, limit)]


def _query(table: Table, **query: Any) -> Iterator[Mapping[str, Any]]:
    while True:
        page = table.query(**query)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
