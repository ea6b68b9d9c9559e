"""Uploads become jobs: against table, bucket and queue as they are deployed."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.job import Job, JobState
from contract.keys import make_job_id
from contract.options import JobOptions
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, JOBS_BY_CREATION, job_key
from contract.tasks import BakeTask, decode
from functions.accept_upload.intake import Intake
from functions.accept_upload.notification import UploadedObject
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import unfinished_jobs


@dataclass
class Farm:
    aws: AwsEdges
    intake: Intake
    told: list[int]
    """How many tasks were on the queue, each time that somebody was told of it."""

    def upload(self, key: str, content: bytes = b"BLENDER", **metadata: str) -> UploadedObject:
        answer = self.aws.s3.put_object(
            Bucket=self.aws.render_bucket_name, Key=key, Body=io.BytesIO(content), Metadata=metadata
        )
        return UploadedObject(self.aws.render_bucket_name, key, answer["VersionId"])

    def job(self, uploaded: UploadedObject) -> Job:
        job_id = make_job_id(uploaded.bucket, uploaded.key, uploaded.version)
        item = self.aws.dynamodb.get_item(TableName=self.aws.job_table_name, Key=job_key(job_id))
        return Job.from_item(item["Item"])

    def tasks(self) -> list[Any]:
        answer = self.aws.sqs.receive_message(QueueUrl=self.aws.bake_queue_url, MaxNumberOfMessages=10)
        return [decode(message["Body"]) for message in answer.get("Messages", [])]

    def listed(self) -> list[str]:
        answer = self.aws.dynamodb.query(
            TableName=self.aws.job_table_name,
            IndexName=JOBS_BY_CREATION,
            KeyConditionExpression=f"{INDEX_PARTITION_KEY} = :job",
            ExpressionAttributeValues={":job": JOB_LISTING},
        )
        return [item["job_id"] for item in answer["Items"]]


@pytest.fixture
def farm() -> Iterator[Farm]:
    told: list[int] = []
    with aws_edges() as aws:
        intake = Intake(
            table_name=aws.job_table_name,
            queue_url=aws.bake_queue_url,
            dynamodb=aws.dynamodb,
            s3=aws.s3,
            sqs=aws.sqs,
            now=lambda: datetime(2026, 11, 24, tzinfo=UTC),
            when_queued=lambda: told.append(queued(aws)),
        )
        yield Farm(aws, intake, told)


def queued(aws: AwsEdges) -> int:
    answer = aws.sqs.get_queue_attributes(QueueUrl=aws.bake_queue_url, AttributeNames=["All"])
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_an_upload_becomes_a_job_and_one_bake_task(farm: Farm) -> None:
    uploaded = farm.upload("shots/010/scene.blend", frames="1-10x2", samples="8")
    assert farm.intake.accept(uploaded).endswith("queued")
    job = farm.job(uploaded)
    assert (job.state, job.project, job.name) == (JobState.QUEUED, "shots/010", "scene.blend")
    assert (job.source_version, job.source_bytes) == (uploaded.version, 7)
    assert job.options == {"frames": "1-10x2", "samples": 8}
    assert job.created_at == "2026-11-24T00:00:00.000Z"
    assert farm.tasks() == [BakeTask(job.job_id)]
    assert farm.told == [1]
    assert farm.listed() == [job.job_id]


def test_the_same_event_twice_is_one_job_and_one_task(farm: Farm) -> None:
    uploaded = farm.upload("a/scene.blend")
    farm.intake.accept(uploaded)
    assert "known already" in farm.intake.accept(uploaded)
    assert len(farm.tasks()) == 1


def test_a_listener_that_died_before_it_sent_the_task_is_made_good(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = farm.upload("a/scene.blend")

    def refuse(**_: Any) -> None:
        raise ConnectionError("SQS is away")

    with monkeypatch.context() as away:
        away.setattr(farm.aws.sqs, "send_message", refuse)
        with pytest.raises(ConnectionError):
            farm.intake.accept(uploaded)
    farm.intake.accept(uploaded)
    assert farm.tasks() == [BakeTask(farm.job(uploaded).job_id)]


def test_the_same_key_again_is_another_job_of_its_own_version(farm: Farm) -> None:
    first, second = farm.upload("a/scene.blend", b"one"), farm.upload("a/scene.blend", b"other", samples="4")
    for uploaded in (second, first):
        farm.intake.accept(uploaded)
    assert (farm.job(first).source_bytes, farm.job(second).source_bytes) == (3, 5)
    assert (farm.job(first).options, farm.job(second).options) == ({}, {"samples": 4})
    assert len(farm.tasks()) == 2


@pytest.mark.parametrize(
    ("content", "metadata", "reason"),
    [
        (b"", {}, "scene.blend is empty (0 bytes)"),
        (b"x", {"start_frame": "10", "end_frame": "1"}, "start_frame 10 is after end_frame 1"),
        (b"x", {"frames": "abc"}, "'abc' is no frame range"),
        (b"x", {"frames": "1-1000000"}, "more than 100000 frames"),
        (b"x", {"smaples": "8"}, "unknown option 'smaples'"),
        (b"x", {"blend": "film/a.blend"}, "option blend is 'film/a.blend', but scene.blend is no archive"),
    ],
)
def test_what_cannot_be_rendered_fails_at_once_with_the_reason(
    farm: Farm, content: bytes, metadata: dict[str, str], reason: str
) -> None:
    uploaded = farm.upload("a/scene.blend", content, **metadata)
    farm.intake.accept(uploaded)
    job = farm.job(uploaded)
    assert job.state is JobState.FAILED
    assert reason in job.reason
    assert farm.tasks() == []
    assert farm.listed() == [job.job_id]
    assert unfinished_jobs(farm.aws) == []
    farm.intake.accept(uploaded)
    assert farm.tasks() == []


def test_an_archive_may_come_with_the_choice_of_its_scene(farm: Farm) -> None:
    uploaded = farm.upload("a/film.zip", blend="shots/a.blend", allow_missing="yes")
    farm.intake.accept(uploaded)
    assert farm.job(uploaded).state is JobState.QUEUED
    options = JobOptions.from_map(farm.job(uploaded).options)
    assert options == JobOptions(blend="shots/a.blend", allow_missing=True)
    assert options.for_blender() == {}


@pytest.mark.parametrize("key", ["a/output/x-1/frames/scene.blend", "a/notes.txt", "a/scene.blend1"])
def test_what_is_no_upload_is_ignored(farm: Farm, key: str) -> None:
    assert farm.intake.accept(farm.upload(key)).startswith("ignored")
    assert farm.listed() == []


def test_an_object_that_is_gone_already_is_ignored(farm: Farm) -> None:
    uploaded = farm.upload("a/scene.blend")
    farm.aws.s3.delete_object(Bucket=uploaded.bucket, Key=uploaded.key, VersionId=uploaded.version)
    assert "gone" in farm.intake.accept(uploaded)


def test_any_key_that_s3_takes_is_taken(farm: Farm) -> None:
    uploaded = farm.upload("my film/é+ 漢字/a b+c%20.blend")
    farm.intake.accept(uploaded)
    assert farm.job(uploaded).project == "my film/é+ 漢字"
