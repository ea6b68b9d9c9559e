"""The one reader of the job table, on moto's DynamoDB with the deployed table's keys and indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract.job import FrameState, Job, JobState, Progress
from contract.record_reader import MAX_WAIT_SECONDS, RecordReader
from contract.table import (
    INDEX_PARTITION_KEY,
    JOB_LISTING,
    PARTITION_KEY,
    SORT_KEY,
    counter_key,
    frame_key,
    job_key,
    shard_of,
)
from contract.worker_record import STALE_SECONDS, Doing, WorkerRecord
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job


class Table:
    """The table, a reader of it, and what was asked of DynamoDB since it was last looked at."""

    def __init__(self, aws: AwsEdges) -> None:
        self.dynamodb, self.name = aws.dynamodb, aws.job_table_name
        self.reader = RecordReader(aws.dynamodb, aws.job_table_name)
        self._calls: list[str] = []
        aws.dynamodb.meta.events.register("before-call.dynamodb", self._count)

    def _count(self, model: Any, **_: object) -> None:
        self._calls.append(model.name)

    def calls(self) -> list[str]:
        calls, self._calls = self._calls, []
        return calls

    def clear(self) -> None:
        for item in self.dynamodb.scan(TableName=self.name)["Items"]:
            key = {name: item[name] for name in (PARTITION_KEY, SORT_KEY)}
            self.dynamodb.delete_item(TableName=self.name, Key=key)
        self.calls()

    def put(self, key: dict[str, str], **attributes: Any) -> None:
        self.dynamodb.put_item(TableName=self.name, Item={**key, **attributes})
        self.calls()

    def put_job(self, job: Job) -> Job:
        self.put(job_key(job.job_id), **job.to_item(), **{INDEX_PARTITION_KEY: JOB_LISTING})
        return job

    def put_frame(
        self, job: Job, frame: int, state: FrameState = FrameState.DONE, ended_at: str = ""
    ) -> None:
        key = frame_key(job.job_id, job.shards, frame)
        self.put(key, frame=frame, state=str(state), ended_at=ended_at)

    def put_counter(self, job: Job, shard: int, **numbers: Any) -> None:
        self.put(counter_key(job.job_id, shard), **numbers)


@pytest.fixture(scope="module")
def made() -> Iterator[Table]:
    with aws_edges() as aws:
        yield Table(aws)


@pytest.fixture
def table(made: Table) -> Table:
    made.clear()
    return made


def test_a_job_as_it_was_written_or_none(table: Table) -> None:
    job = table.put_job(a_job(scene={"fps": 24}, dead_letters=("m",), worker_seconds=7))
    assert table.reader.job("a") == job
    assert table.reader.job("b") is None
    assert table.calls() == ["GetItem", "GetItem"]


def test_the_newest_jobs_come_first(table: Table) -> None:
    for number in (2, 0, 3, 1):
        table.put_job(a_job(f"j{number}", created_at=f"2026-01-0{number + 1}"))
    assert [job.job_id for job in table.reader.latest_jobs(3)] == ["j3", "j2", "j1"]
    assert [job.job_id for job in table.reader.latest_jobs(9)] == ["j3", "j2", "j1", "j0"]
    assert [job.job_id for job in table.reader.latest_jobs()] == ["j3", "j2", "j1", "j0"]
    assert set(table.calls()) == {"Query"}


def test_a_list_of_several_pages_is_read_to_its_end(table: Table) -> None:
    for number in range(30):
        table.put_job(a_job(f"j{number:02}", created_at=f"2026-01-{number + 1:02}", reason="x" * 60_000))
    expected = [f"j{number:02}" for number in range(29, -1, -1)]
    assert [job.job_id for job in table.reader.latest_jobs()] == expected
    assert len(table.calls()) > 1, "a page is a megabyte"
    assert [job.job_id for job in table.reader.latest_jobs(25)] == expected[:25]


def test_counters_come_in_the_order_of_their_shards(table: Table) -> None:
    job, other = a_job("a", shards=3), a_job("b", shards=1)
    table.put_counter(job, 2, total=5, done=2, seconds=3)
    table.put_counter(job, 0, total=4, done=1, failed=1)
    table.put_counter(other, 0, total=9, last_frame=8, last_frame_at="2026")
    found = table.reader.shards([job, other, a_job("new")])
    assert found == {
        "a": [Progress(total=4, done=1, failed=1), Progress(), Progress(total=5, done=2, seconds=3.0)],
        "b": [Progress(total=9, last_frame=8, last_frame_at="2026")],
        "new": [],
    }
    assert table.calls() == ["BatchGetItem"]


def test_many_counters_are_asked_for_a_hundred_at_a_time(table: Table) -> None:
    jobs = [a_job(f"j{number}", shards=32) for number in range(7)]
    table.put_counter(jobs[6], 31, total=2, done=2)
    found = table.reader.shards(jobs)
    assert found["j6"][31] == Progress(total=2, done=2)
    assert table.calls() == ["BatchGetItem"] * 3


def test_keys_that_dynamodb_leaves_over_are_asked_for_again_and_not_at_once(table: Table) -> None:
    class Overloaded:
        """Answers for one key of those that it is asked for."""

        def batch_get_item(self, **request: Any) -> Any:
            ((name, asked),) = request["RequestItems"].items()
            answer = table.dynamodb.batch_get_item(RequestItems={name: {**asked, "Keys": asked["Keys"][:1]}})
            rest = asked["Keys"][1:]
            return {**answer, "UnprocessedKeys": {name: {**asked, "Keys": rest}} if rest else {}}

    job = a_job(shards=8)
    for shard in range(8):
        table.put_counter(job, shard, total=shard)
    waits: list[float] = []
    reader = RecordReader(Overloaded(), table.name, pause=waits.append)
    assert [shard.total for shard in reader.shards([job])["a"]] == list(range(8))
    assert len(waits) == 7
    assert waits == sorted(waits), "longer each time"
    assert waits[0] < waits[-1] == MAX_WAIT_SECONDS


def test_jobs_that_are_summed_up_need_no_counters(table: Table) -> None:
    done = a_job("done", state=JobState.DONE, shards=32, frame_count=4, frames_done=4)
    some = a_job(
        "some", state=JobState.DONE_WITH_FAILURES, shards=2, frame_count=4, frames_done=3, frames_failed=1
    )
    assert table.reader.progress([done, some]) == {
        "done": Progress(total=4, done=4),
        "some": Progress(total=4, done=3, failed=1),
    }
    assert table.calls() == []


def test_of_any_other_job_the_counters_know(table: Table) -> None:
    others = [state for state in JobState if state not in (JobState.DONE, JobState.DONE_WITH_FAILURES)]
    jobs = [a_job(state.lower(), state=state, shards=2, frame_count=4) for state in others]
    for job in jobs:
        table.put_counter(job, 0, total=3, done=1, seconds=2)
        table.put_counter(job, 1, total=1, failed=1)
    counted = Progress(total=4, done=1, failed=1, seconds=2.0)
    assert table.reader.progress(jobs) == {job.job_id: counted for job in jobs}


def test_frames_of_the_shards_that_are_asked_for(table: Table) -> None:
    job = a_job(shards=4)
    for frame in range(20):
        table.put_frame(job, frame)
    table.put_counter(job, 0, total=20)
    found = sorted(record.frame for record in table.reader.frames("a", [1, 3]))
    assert found == [frame for frame in range(20) if shard_of(frame, 4) in (1, 3)]
    assert table.calls() == ["Query", "Query"]


@pytest.mark.parametrize("state", list(FrameState))
def test_frames_of_one_state(table: Table, state: FrameState) -> None:
    job = a_job(shards=1)
    for frame, of_state in enumerate(FrameState):
        table.put_frame(job, frame, of_state)
    assert [record.state for record in table.reader.frames("a", [0], state)] == [state]


@pytest.mark.parametrize(("shards", "calls"), [(1, ["Query"]), (3, ["BatchGetItem", "BatchGetItem"])])
def test_the_frames_that_were_done_last(table: Table, shards: int, calls: list[str]) -> None:
    """Of a job with few shards its frames say it, else the counters of its shards."""
    job = a_job(shards=shards)
    for frame, state in (
        (1, FrameState.DONE),
        (2, FrameState.DONE),
        (3, FrameState.FAILED),
        (4, FrameState.DONE),
    ):
        table.put_frame(job, frame, state, ended_at=f"2026-01-0{9 - frame}")
    for shard, frame in enumerate((2, 1, 4)[:shards]):
        table.put_counter(job, shard, last_frame=frame, last_frame_at=f"2026-01-0{9 - frame}")
    count = 2 if shards > 1 else 3
    found = [record.frame for record in table.reader.latest_frames(job, count)]
    assert found == [1, 2, 4][:count]
    assert table.calls() == calls


def test_a_job_without_frames_has_no_last_ones(table: Table) -> None:
    assert table.reader.latest_frames(a_job(), 3) == []
    assert table.reader.latest_frames(a_job(shards=8), 3) == []


def test_workers_that_were_heard_of_lately(table: Table) -> None:
    now = 10_000
    for number, seen_at in enumerate((now, now - STALE_SECONDS, now - STALE_SECONDS - 1)):
        worker = WorkerRecord(
            worker_id=f"w{number}",
            doing=Doing.RENDER,
            job_id="a",
            since=1,
            seen_at=seen_at,
            recent_seconds=(1.5,),
        )
        table.put(worker.to_item())
    found = {worker.worker_id: worker for worker in table.reader.workers(now)}
    assert sorted(found) == ["w0", "w1"]
    assert found["w0"].recent_seconds == (1.5,)
    assert set(table.calls()) == {"Query"}


def test_records_that_make_no_sense_are_left_out_and_logged(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = table.put_job(a_job("good", shards=1)), a_job("bad")
    broken = {**bad.to_item(), "state": "DANCING", INDEX_PARTITION_KEY: JOB_LISTING}
    table.put(job_key("bad"), **broken)
    table.put_frame(good, 1)
    table.put(frame_key("good", 1, 2), frame=2, state="LOST")
    worker = WorkerRecord(worker_id="w", doing=Doing.IDLE, job_id="", since=1, seen_at=100)
    table.put(worker.to_item())
    table.put({**worker.to_item(), SORT_KEY: "other", "doing": "DANCING"})
    assert [job.job_id for job in table.reader.latest_jobs(1)] == ["good"]
    assert [job.job_id for job in table.reader.unfinished_jobs()] == ["good"]
    assert [record.frame for record in table.reader.frames("good", [0])] == [1]
    assert len(table.reader.workers(100)) == 1
    assert "makes no sense" in caplog.text and "DANCING" in caplog.text


def test_a_table_that_never_answers_is_not_asked_for_ever() -> None:
    class Overloaded:
        def batch_get_item(self, **request: Any) -> Any:
            return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}

    waits: list[float] = []
    with pytest.raises(OSError, match="8 records of t stayed unread"):
        RecordReader(Overloaded(), "t", pause=waits.append).shards([a_job(shards=8)])
    assert 4 < sum(waits) < 15
