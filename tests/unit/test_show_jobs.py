"""The widget's Lambda under moto: which jobs it shows, what it reads for them, and what it keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from contract.job import FrameState, Job, JobState, timestamp
from contract.keys import output_prefix, small_pictures, thumbnail_key
from contract.record_reader import RecordReader
from contract.settings import JobsWidgetSettings
from contract.spend import month_of, spend_key
from contract.stored_part import FrameParts, StoredPart
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, counter_key, frame_key, job_key, shard_of
from functions.show_jobs import handler, records
from functions.show_jobs.board import FEATURED, Board, FrameFailure, Picture
from functions.show_jobs.records import JobBoard
from functions.show_jobs.thumbnails import MAX_BYTES, Thumbnails
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from tests.support.read_html import read_html
from tests.support.shown_jobs import FUNCTION, JPEG
from worker_agent.stores.shared_object import SharedObject

NOW = datetime.now(UTC)


def ago(seconds: float) -> str:
    return timestamp(NOW - timedelta(seconds=seconds))


class Farm:
    def __init__(self, aws: AwsEdges) -> None:
        self.aws = aws
        self.calls: list[str] = []
        for client in (aws.dynamodb, aws.s3):
            client.meta.events.register("before-call", self._count)
        self.board = JobBoard(
            reader=RecordReader(aws.dynamodb, aws.job_table_name),
            thumbnails=Thumbnails(aws.s3, aws.render_bucket_name),
            now=lambda: NOW,
        )

    def _count(self, model: Any, **_: object) -> None:
        self.calls.append(model.name)

    def read(self, limit: int = 50) -> Board:
        self.calls.clear()
        return self.board.read(limit)

    def put(self, key: dict[str, str], **attributes: Any) -> None:
        self.aws.dynamodb.put_item(TableName=self.aws.job_table_name, Item={**key, **attributes})

    def job(
        self, job_id: str, state: JobState = JobState.DONE, *, age: float = 600, **attributes: Any
    ) -> Job:
        job = a_job(job_id, **{"state": state, "created_at": ago(age), "updated_at": ago(age), **attributes})
        self.put(job_key(job_id), **job.to_item(), **{INDEX_PARTITION_KEY: JOB_LISTING})
        return job

    def frames(self, job: Job, done: int = 0, failed: int = 0, reason: str = "x") -> None:
        """Frames from 1 on with their counters, and a thumbnail of each that is done."""
        counters = {n: {"total": 0, "done": 0, "failed": 0} for n in range(job.shards)}
        for frame in range(1, done + failed + 1):
            state = FrameState.DONE if frame <= done else FrameState.FAILED
            ended = {"ended_at": ago(500 - frame)}
            said = {} if state is FrameState.DONE else {"reason": f"{reason} {frame}"}
            self.put(frame_key(job.job_id, job.shards, frame), frame=frame, state=str(state), **ended, **said)
            counter: dict[str, Any] = counters[shard_of(frame, job.shards)]
            counter["total"] += 1
            counter[state.lower()] += 1
            if state is FrameState.DONE:
                counter.update(last_frame=frame, last_frame_at=ended["ended_at"])
                self.thumbnail(job, frame, JPEG + bytes([frame]))
        for shard, counter in counters.items():
            self.put(counter_key(job.job_id, shard), **counter)

    def thumbnail(self, job: Job, frame: int, content: bytes) -> None:
        key = thumbnail_key(job.project, job.job_id, frame)
        self.aws.s3.put_object(Bucket=self.aws.render_bucket_name, Key=key, Body=content)


@pytest.fixture
def farm() -> Iterator[Farm]:
    with aws_edges() as aws:
        yield Farm(aws)


def ids(jobs: Any) -> list[str]:
    return [job.view.job_id for job in jobs]


def test_jobs_under_way_come_first_then_the_latest_that_ended(farm: Farm) -> None:
    for job_id, state, age in (
        ("old-done", JobState.DONE, 900),
        ("waits", JobState.QUEUED, 10),
        ("held", JobState.HELD, 5),
        ("renders", JobState.RENDERING, 700),
        ("failed", JobState.FAILED, 20),
        ("bakes", JobState.BAKING, 15),
    ):
        farm.job(job_id, state, age=age)
    board = farm.read()
    assert ids(board.featured) == ["renders", "bakes", "waits", "held"]
    assert ids(board.rows) == ["failed", "old-done"]
    assert "Scan" not in farm.calls


def test_a_job_under_way_is_shown_however_many_newer_ones_ended(farm: Farm) -> None:
    farm.job("renders", JobState.RENDERING, age=5000)
    for n in range(6):
        farm.job(f"done-{n}", age=100 + n)
    board = farm.read(limit=3)
    assert ids(board.jobs) == ["renders", "done-0", "done-1", "done-2"]


def test_no_more_than_a_few_are_large(farm: Farm) -> None:
    for n in range(FEATURED + 2):
        farm.job(f"j{n}", JobState.RENDERING)
    board = farm.read()
    assert (len(board.featured), len(board.rows)) == (FEATURED, 2)


@pytest.mark.parametrize("shards", [1, 7])
def test_the_last_frames_pictures_and_the_first_failures(farm: Farm, shards: int) -> None:
    job = farm.job("j", JobState.RENDERING, shards=shards, frame_count=40, frames="1-40")
    farm.frames(job, done=30, failed=6, reason="no memory for")
    (shown,) = farm.read().featured
    assert (shown.view.frames_done, shown.view.frames_failed) == (30, 6)
    assert len(shown.pictures) == records.FEATURED_PICTURES
    assert shown.pictures[0] == Picture(frame=30, jpeg=JPEG + bytes([30]))
    assert len(shown.failures) == records.FAILURES
    for failure in shown.failures:
        assert failure == FrameFailure(frame=failure.frame, reason=f"no memory for {failure.frame}")
        assert failure.frame > 30


def test_a_job_without_failures_has_no_frame_read_for_them(farm: Farm) -> None:
    job = farm.job("j", JobState.RENDERING, shards=7, frame_count=40)
    farm.frames(job, done=20)
    farm.read()
    indexes, workers = 2, 4
    assert farm.calls.count("Query") == indexes + workers


def test_pictures_are_fetched_once_and_a_missing_one_is_asked_for_again(farm: Farm) -> None:
    job = farm.job("j", JobState.RENDERING, shards=1, frame_count=9)
    farm.frames(job, done=3)
    key = thumbnail_key(job.project, "j", 3)
    farm.aws.s3.delete_object(Bucket=farm.aws.render_bucket_name, Key=key)
    assert [p.frame for p in farm.read().featured[0].pictures] == [2, 1]
    assert farm.calls.count("GetObject") == 3
    farm.thumbnail(job, 3, JPEG)
    assert [p.frame for p in farm.read().featured[0].pictures] == [3, 2, 1]
    assert farm.calls.count("GetObject") == 1
    farm.read()
    assert "GetObject" not in farm.calls


@pytest.mark.parametrize(
    ("key", "place"),
    [
        pytest.param(small_pictures("j", 1, 3, "a"), "output/proxies/j/0001-0003-a.mjpeg", id="as put now"),
        pytest.param("proxies/0001.mjpeg", "p/output/j/proxies/0001.mjpeg", id="as put before"),
    ],
)
def test_a_picture_that_frames_share_an_object_for_is_cut_out(farm: Farm, key: str, place: str) -> None:
    job = farm.job("j", JobState.RENDERING, shards=7, frame_count=9)
    farm.frames(job, done=3)
    jpegs = {frame: JPEG + bytes([100 + frame]) * (20 * frame) for frame in (1, 2, 3)}
    shared = SharedObject(key)
    for frame, jpeg in jpegs.items():
        part = FrameParts(thumbnail=shared.add(jpeg))
        record = frame_key(job.job_id, job.shards, frame)
        farm.put(record, frame=frame, state="DONE", ended_at=ago(500 - frame), **part.to_map())
    farm.aws.s3.put_object(Bucket=farm.aws.render_bucket_name, Key=place, Body=shared.content)
    for _ in range(2):
        assert {p.frame: p.jpeg for p in farm.read().featured[0].pictures} == jpegs
    assert "GetObject" not in farm.calls


def test_when_small_pictures_are_past_their_time_the_one_that_was_kept_is_shown(farm: Farm) -> None:
    job = farm.job("j", JobState.DONE, shards=7, frame_count=3, frames_done=3)
    farm.frames(job, done=3)
    for frame in (1, 2, 3):
        part = FrameParts(thumbnail=StoredPart(key=f"proxies/{frame:04d}.jpg", start=9, size_bytes=9))
        key = frame_key(job.job_id, job.shards, frame)
        farm.put(key, frame=frame, state="DONE", ended_at=ago(500 - frame), **part.to_map())
    for frame in (1, 2):
        gone = thumbnail_key(job.project, "j", frame)
        farm.aws.s3.delete_object(Bucket=farm.aws.render_bucket_name, Key=gone)
    (shown,) = farm.read().jobs
    assert [p.frame for p in shown.pictures] == [3]


def test_of_an_object_that_is_shorter_than_a_record_says_no_half_is_shown(farm: Farm) -> None:
    job = farm.job("j", JobState.RENDERING, shards=7, frame_count=9)
    farm.frames(job, done=3)
    shared = SharedObject("proxies/0001-0003-a.mjpeg")
    for frame in (1, 2, 3):
        part = FrameParts(thumbnail=shared.add(JPEG + bytes([frame]) * 20))
        key = frame_key(job.job_id, job.shards, frame)
        farm.put(key, frame=frame, state="DONE", ended_at=ago(500 - frame), **part.to_map())
        own = thumbnail_key(job.project, "j", frame)
        farm.aws.s3.delete_object(Bucket=farm.aws.render_bucket_name, Key=own)
    place = output_prefix(job.project, "j") + shared.key
    farm.aws.s3.put_object(Bucket=farm.aws.render_bucket_name, Key=place, Body=shared.content[:60])
    assert [p.frame for p in farm.read().featured[0].pictures] == [1]


def test_what_is_no_small_jpeg_is_no_picture(farm: Farm) -> None:
    job = farm.job("j", JobState.RENDERING, shards=1, frame_count=9)
    farm.frames(job, done=3)
    farm.thumbnail(job, 1, b"<svg onload=x>")
    farm.thumbnail(job, 2, JPEG + bytes(MAX_BYTES))
    assert [p.frame for p in farm.read().featured[0].pictures] == [3]


def test_a_job_that_ended_is_read_once_and_again_after_a_retry(farm: Farm) -> None:
    job = farm.job("j", JobState.DONE_WITH_FAILURES, shards=1, frame_count=3, frames_done=2, frames_failed=1)
    farm.frames(job, done=2, failed=1)
    before = farm.read().featured
    read = list(farm.calls)
    assert farm.read().featured == before
    assert len(farm.calls) < len(read)
    assert "BatchGetItem" in read and "BatchGetItem" not in farm.calls
    farm.job("j", JobState.DONE, age=300, shards=1, frame_count=3, frames_done=3)
    farm.frames(job, done=3)
    assert farm.read().featured[0].failures == ()


def test_pictures_are_left_out_where_a_page_would_grow_too_large(farm: Farm) -> None:
    job = farm.job("j", JobState.RENDERING, shards=1, frame_count=9)
    farm.frames(job, done=5)
    jobs = farm.read().featured
    assert [len(j.pictures) for j in records.within([*jobs, *jobs], 7 * (len(JPEG) + 1))] == [5, 2]


def test_the_handler_draws_the_jobs(farm: Farm) -> None:
    job = farm.job("shot-1", JobState.RENDERING, name="<b>shot</b>.blend", shards=1, frame_count=9)
    farm.frames(job, done=3)
    farm.put(spend_key(month_of(datetime.now(UTC))), microdollars=2_500_000)
    settings = JobsWidgetSettings(
        job_table_name=farm.aws.job_table_name,
        render_bucket_name=farm.aws.render_bucket_name,
        job_action_function_arn=FUNCTION,
        monthly_budget_dollars=10.0,
    )
    for kept in (handler._settings, handler._board):
        kept.cache_clear()
    with mock.patch.dict(os.environ, settings.to_env()):
        html = handler.handle({"widgetContext": {"theme": "dark", "width": 600}}, None)
    page = read_html(html)
    assert page.one(class_="name").text == "<b>shot</b>.blend"
    assert page.one(class_="spent").text == "$2.50 of $10.00 this month"
    assert len(page.all("img")) == 3
    assert page.one("cwdb-action").attributes["endpoint"] == FUNCTION
    assert {"dark", "narrow"} < set((page.all("div")[0].attributes["class"] or "").split())


def test_the_console_asks_for_the_documentation() -> None:
    said = handler.handle({"describe": True}, None)
    assert said.startswith("## ") and "``` yaml" in said


def test_a_picture_that_cannot_be_had_for_a_moment_is_there_at_the_next_look(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = farm.job("done", JobState.DONE, age=900, shards=1, frame_count=1, frames="1", frames_done=1)
    farm.frames(job, done=1)
    with monkeypatch.context() as passing:
        passing.setattr(Thumbnails, "_fetch", lambda *_: None)
        assert farm.read().jobs[0].pictures == ()
    assert len(farm.read().jobs[0].pictures) == 1
