"""Sending a job and following it, on moto's S3 and DynamoDB."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from rich.console import Console

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState
from contract.keys import make_job_id
from contract.options import JobOptions, OptionError
from contract.table import counter_key, frame_key, job_key, shard_of, shard_totals
from contract.tasks import BakeTask, decode
from farm.control import RefusedError, cancel, retry
from farm.follow import NoJobError, follow
from farm.jobs import Farm, SubmitError, encode_options, upload_key
from farm.submission import Order, Submitter
from farm.transfer.patience import Patience

JOB = Job(
    job_id="scene-1",
    project="p",
    name="scene.blend",
    bucket="renders",
    source_key="p/scene.blend",
    source_version="v",
    source_bytes=1,
    created_at="2026-01-01T00:00:00.000Z",
)


NO_PATIENCE = Patience(pause=lambda _: None, tries=1)


@pytest.fixture
def farm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="renders")
        s3.put_bucket_versioning(Bucket="renders", VersioningConfiguration={"Status": "Enabled"})
        table = boto3.resource("dynamodb", region_name="us-east-1").create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("pk", "sk", "listing", "created_at")
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "jobs-by-creation",
                    "KeySchema": [
                        {"AttributeName": "listing", "KeyType": "HASH"},
                        {"AttributeName": "created_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        sqs = boto3.client("sqs", region_name="us-east-1")
        url = sqs.create_queue(QueueName="bake")["QueueUrl"]
        yield Farm(s3=s3, table=table, sqs=sqs, bucket="renders", bake_queue_url=url)


def put_job(farm: Farm, job: Job) -> None:
    farm.table.put_item(Item={**job_key(job.job_id), **job.to_item(), "listing": "job"})


def put_counters(farm: Farm, job: Job, done: list[int]) -> None:
    frames = range(1, job.frame_count + 1)
    totals = shard_totals(list(frames), job.shards)
    ended = shard_totals(done, job.shards)
    for shard in range(job.shards):
        item: dict[str, Any] = {
            **counter_key(job.job_id, shard),
            "total": totals[shard],
            "done": ended[shard],
            "failed": 0,
        }
        farm.table.put_item(Item=item)


def put_frame(farm: Farm, job: Job, frame: int, state: FrameState) -> None:
    item: dict[str, Any] = {"frame": frame, "state": str(state), "files": [f"{frame:04d}.png"]}
    farm.table.put_item(Item={**frame_key(job.job_id, job.shards, frame), **item})


def test_the_job_id_is_known_from_the_upload(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "scène +1.zip"
    file.write_bytes(b"PK")
    asked = {"frames": "1-4,8", "scene": "Szene ä%41", "camera": None, "samples": 8}
    submitter = Submitter(farm=farm, console=Console(file=io.StringIO()))
    sent = submitter.submit(Order(file=file, project="shots/010", asked=asked))
    stored = farm.s3.head_object(Bucket="renders", Key="shots/010/scène +1.zip")
    assert sent.job_id == make_job_id("renders", sent.key, stored["VersionId"])
    assert JobOptions.from_metadata(stored["Metadata"]) == JobOptions(
        frames="1-4,8", scene="Szene ä%41", samples=8
    )
    again = submitter.submit(Order(file=file, project="shots/010", asked={}))
    assert (again.key, again.job_id == sent.job_id) == (sent.key, False)
    assert farm.s3.head_object(Bucket="renders", Key=sent.key)["Metadata"] == {}


def test_what_the_farm_would_refuse_is_refused_here() -> None:
    with pytest.raises(OptionError, match="samples"):
        encode_options(Path("a.blend"), {"samples": 0})
    with pytest.raises(OptionError, match=r"a\.blend is no archive"):
        encode_options(Path("a.blend"), {"blend": "film/a.blend"})
    with pytest.raises(SubmitError, match="2048"):
        encode_options(Path("a.blend"), {"scene": "ä" * 500})


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("scene.txt", None),
        (".blend", None),
        ("a.blend", "x/output/y"),
        ("a.blend", "a//b"),
        ("a.blend", ".."),
        ("a.blend", ""),
    ],
)
def test_keys_that_start_no_job(name: str, project: str | None) -> None:
    with pytest.raises(SubmitError):
        upload_key(Path(name), project)


def test_the_project_is_the_files_name_unless_given() -> None:
    assert upload_key(Path("/x/pottery.v2.blend"), None) == "pottery/pottery.v2.blend"
    assert upload_key(Path("a.blend"), "/shots/010/") == "shots/010/a.blend"


def test_each_frame_is_told_once_and_waiting_ones_never(farm: Farm) -> None:
    job = replace(JOB, state=JobState.RENDERING, frame_count=120, shards=3)
    clock = iter(range(1000))

    def happen() -> Iterator[None]:
        put_job(farm, JOB)
        yield
        put_job(farm, job)
        put_counters(farm, job, [])
        put_frame(farm, job, 5, FrameState.WAITING)
        yield
        put_frame(farm, job, 5, FrameState.DONE)
        put_frame(farm, job, 7, FrameState.FAILED)
        put_counters(farm, job, [5, 7])
        yield
        yield
        put_frame(farm, job, 9, FrameState.DONE)  # its counter is never seen to move
        put_job(farm, replace(job, state=JobState.DONE_WITH_FAILURES))
        yield

    events = happen()
    seen: list[list[int]] = []
    totals = []
    for snapshot in follow(
        farm.records, "scene-1", clock=lambda: next(clock), pause=lambda _: next(events), patience=NO_PATIENCE
    ):
        seen.append([record.frame for record in snapshot.ended_frames])
        totals.append((snapshot.progress.total, snapshot.progress.done))
    assert seen == [[], [], [], [5, 7], [], [9]]
    assert totals == [(0, 0), (0, 0), (120, 0), (120, 2), (120, 2), (120, 2)]
    assert shard_of(5, 3) != shard_of(9, 3)


def test_an_upload_the_farm_ignores_is_not_waited_for_for_ever(farm: Farm) -> None:
    clock = iter(range(0, 1000, 10))
    with pytest.raises(NoJobError, match="120 s"):
        list(
            follow(
                *(farm.records, "scene-1"),
                clock=lambda: next(clock),
                pause=lambda _: None,
                patience=NO_PATIENCE,
            )
        )


def test_the_newest_jobs_come_first(farm: Farm) -> None:
    for number in range(5):
        put_job(farm, replace(JOB, job_id=f"j{number}", created_at=f"2026-01-0{number + 1}T00:00:00.000Z"))
    assert [job.job_id for job in farm.records.latest_jobs(3)] == ["j4", "j3", "j2"]


def test_a_frame_record_is_read_as_it_was_written() -> None:
    item: dict[str, Any] = {"frame": 5, "state": "DONE", "files": ["0005.png"]}
    assert FrameRecord.from_item(item).files == ("0005.png",)


def bake_tasks(farm: Farm) -> list[object]:
    answer = farm.sqs.receive_message(QueueUrl=farm.bake_queue_url, MaxNumberOfMessages=10)
    return [decode(message["Body"]) for message in answer.get("Messages", [])]


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.BAKING, JobState.RENDERING, JobState.HELD])
def test_a_job_that_goes_on_is_canceled(farm: Farm, state: JobState) -> None:
    put_job(farm, replace(JOB, state=state, bake_token="t"))
    assert cancel(farm, "scene-1").state is JobState.CANCELED
    job = farm.records.job("scene-1")
    assert job
    assert (job.state, job.reason, job.bake_token) == (JobState.CANCELED, "canceled on request", "t")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (JobState.DONE, "it has ended already: DONE"),
        (JobState.CANCELED, "it has ended already: CANCELED"),
        (JobState.FINISHING, "it is being summed up"),
    ],
)
def test_a_job_that_has_ended_is_not_canceled(farm: Farm, state: JobState, why: str) -> None:
    put_job(farm, replace(JOB, state=state))
    with pytest.raises(RefusedError, match=f"job scene-1 cannot be canceled: .*{why}"):
        cancel(farm, "scene-1")
    job = farm.records.job("scene-1")
    assert job
    assert job.state is state


@pytest.mark.parametrize("state", [JobState.DONE_WITH_FAILURES, JobState.FAILED, JobState.CANCELED])
def test_a_job_that_ended_short_is_queued_again(farm: Farm, state: JobState) -> None:
    sent = replace(JOB, state=state, reason="why", task_sent_at="2026", frames_sent_at="2026", retries=1)
    baked = replace(sent, baked_folder="baked-t", frame_count=4, shards=1, frames_done=3, frames_failed=1)
    tried = replace(baked, bake_attempts=3, runtime_failures=5, sweep={"sent": 2})
    put_job(farm, replace(tried, finish_token="f", finish_lease_until=9))
    job = retry(farm, "scene-1")
    assert job == farm.records.job("scene-1")
    assert (job.state, job.reason, job.retries, job.frames_sent_at) == (JobState.QUEUED, "", 2, "")
    assert (job.bake_attempts, job.runtime_failures, dict(job.sweep)) == (0, 0, {})
    assert (job.finish_token, job.finish_lease_until) == ("", 0)
    assert (job.frame_count, job.shards, job.baked_folder) == (4, 1, "baked-t")
    assert bake_tasks(farm) == [BakeTask("scene-1")]


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"state": JobState.DONE, "frame_count": 4, "frames_done": 4}, "there is nothing to retry"),
        ({"state": JobState.RENDERING}, "it has not ended: it is RENDERING"),
        ({"state": JobState.QUEUED}, "it has not ended: it is QUEUED"),
        ({"state": JobState.FAILED, "task_sent_at": "", "reason": "unknown option 'x'"}, "'x'.: upload it"),
    ],
)
def test_what_there_is_nothing_to_retry_of(farm: Farm, attributes: dict[str, Any], why: str) -> None:
    before = replace(JOB, **{"task_sent_at": "2026", **attributes})
    put_job(farm, before)
    with pytest.raises(RefusedError, match=f"job scene-1 cannot be retried: .*{why}"):
        retry(farm, "scene-1")
    assert farm.records.job("scene-1") == before
    assert bake_tasks(farm) == []


def test_a_job_nobody_knows(farm: Farm) -> None:
    for act in (cancel, retry):
        with pytest.raises(RefusedError, match=r"job nosuch cannot be .*: there is no such job"):
            act(farm, "nosuch")
    assert farm.records.job("nosuch") is None


def test_a_done_job_whose_frames_are_missing_is_retried(farm: Farm) -> None:
    put_job(farm, replace(JOB, state=JobState.DONE, task_sent_at="2026", frame_count=4, frames_done=3))
    assert retry(farm, "scene-1").state is JobState.QUEUED
