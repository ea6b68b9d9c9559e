"""One upload becomes one job, however often its event comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from contract.job import Job, JobState, timestamp
from contract.keys import Upload, make_job_id, read_upload_key
from contract.options import JobOptions, OptionError
from contract.record_reader import RecordReader
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, PARTITION_KEY, job_key
from contract.tasks import BakeTask, encode
from functions.accept_upload.notification import UploadedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

MAX_SOURCE_BYTES = 200 * 1024**3
"""Far above any scene: a worker's disk and the owner's bill have an end."""


class Intake:
    """Turns uploads into jobs. `dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(
        self,
        *,
        table_name: str,
        queue_url: str,
        dynamodb: Any,
        s3: S3Client,
        sqs: SQSClient,
        now: Callable[[], datetime],
        when_queued: Callable[[], object],
        monthly_budget_dollars: float | None = None,
    ) -> None:
        self._table_name = table_name
        self._queue_url = queue_url
        self._dynamodb = dynamodb
        self._s3 = s3
        self._sqs = sqs
        self._now = now
        self._when_queued = when_queued
        self._monthly_budget_dollars = monthly_budget_dollars

    def accept(self, uploaded: UploadedObject) -> str:
        """Make the job and send its bake task, unless that is done. Returns what was done, for the log.

        The task is sent between two writes: a run that dies in between is made good by the event's
        next delivery, and at worst a second task arrives, which bakes nothing again.
        """
        upload = read_upload_key(uploaded.key)
        if isinstance(upload, str):
            return f"ignored: {upload}"
        try:
            job = self._within_budget(self._new_job(uploaded, upload))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchVersion"):
                return "ignored: the object is gone already"
            raise
        try:
            self._put(job)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            job = self._get(job.job_id)
            if job.state is not JobState.QUEUED or job.task_sent_at:
                return f"job {job.job_id} is known already ({job.state})"
        if job.state is JobState.FAILED:
            return f"job {job.job_id} refused: {job.reason}"
        if job.state is JobState.HELD:
            return f"job {job.job_id} held: {job.reason}"
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=encode(BakeTask(job.job_id)))
        self._mark_sent(job.job_id)
        self._when_queued()
        return f"job {job.job_id} queued"

    def _new_job(self, uploaded: UploadedObject, upload: Upload) -> Job:
        """The record of this upload: FAILED at once when it can be seen that it cannot be rendered."""
        head = self._s3.head_object(Bucket=uploaded.bucket, Key=uploaded.key, VersionId=uploaded.version)
        job = Job(
            job_id=make_job_id(uploaded.bucket, uploaded.key, uploaded.version),
            project=upload.project,
            name=upload.name,
            bucket=uploaded.bucket,
            source_key=uploaded.key,
            source_version=uploaded.version,
            source_bytes=head["ContentLength"],
            created_at=timestamp(self._now()),
            updated_at=timestamp(self._now()),
        )
        try:
            options = JobOptions.from_metadata(head.get("Metadata", {}))
            options.check_upload(upload.name)
        except OptionError as error:
            return replace(job, state=JobState.FAILED, reason=str(error))
        if not job.source_bytes:
            return replace(
                job, state=JobState.FAILED, reason=f"{upload.name} is empty (0 bytes): upload it again"
            )
        if job.source_bytes > MAX_SOURCE_BYTES:
            reason = f"{upload.name} has {job.source_bytes} bytes: expected at most {MAX_SOURCE_BYTES}"
            return replace(job, state=JobState.FAILED, reason=reason)
        return replace(job, options=options.to_map())

    def _within_budget(self, job: Job) -> Job:
        """HELD in place of QUEUED when the month's budget is spent: the sweep or a person lets it go on."""
        if job.state is not JobState.QUEUED:
            return job
        reader = RecordReader(self._dynamodb, self._table_name)
        why = reader.over_budget(self._now(), self._monthly_budget_dollars)
        return replace(job, state=JobState.HELD, reason=why) if why else job

    def _put(self, job: Job) -> None:
        self._dynamodb.put_item(
            TableName=self._table_name,
            Item={**job_key(job.job_id), **job.to_item(), INDEX_PARTITION_KEY: JOB_LISTING},
            ConditionExpression=f"attribute_not_exists({PARTITION_KEY})",
        )

    def _get(self, job_id: str) -> Job:
        item = self._dynamodb.get_item(TableName=self._table_name, Key=job_key(job_id), ConsistentRead=True)
        return Job.from_item(item["Item"])

    def _mark_sent(self, job_id: str) -> None:
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=job_key(job_id),
            UpdateExpression="SET task_sent_at = :now",
            ExpressionAttributeValues={":now": timestamp(self._now())},
        )
