"""What has ended is read for little, and never from what a table said a moment ago."""

from collections.abc import Iterator
from typing import Any

import pytest

from contract.job import FrameState, JobState
from contract.table import MAX_SHARDS, counter_key, frame_key
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from worker_agent.frame_reader import FrameReader

JOB = a_job(state=JobState.RENDERING, shards=MAX_SHARDS)


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


class Lagging:
    """The table, of which reads that are not consistent see what was there when it was made."""

    def __init__(self, aws: AwsEdges, *keys: dict[str, str]) -> None:
        self._dynamodb, self._table = aws.dynamodb, aws.job_table_name
        self._before = {
            tuple(key.values()): self._dynamodb.get_item(TableName=self._table, Key=key) for key in keys
        }
        self.consistent: list[bool] = []
        self.items: list[int] = []
        """Read by each call."""

    def get_item(self, **asked: Any) -> Any:
        self.consistent.append(asked["ConsistentRead"])
        self.items.append(1)
        if asked["ConsistentRead"]:
            return self._dynamodb.get_item(**asked)
        return self._before[tuple(asked["Key"].values())]

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803  # as boto3 names it
        (asked,) = RequestItems.values()
        self.consistent.append(asked["ConsistentRead"])
        self.items.append(len(asked["Keys"]))
        if asked["ConsistentRead"]:
            return self._dynamodb.batch_get_item(RequestItems=RequestItems)
        found = [self._before[tuple(key.values())] for key in asked["Keys"]]
        return {"Responses": {self._table: [each["Item"] for each in found if "Item" in each]}}


def put_frame(aws: AwsEdges, frame: int, state: FrameState) -> None:
    key = frame_key(JOB.job_id, JOB.shards, frame)
    aws.dynamodb.put_item(
        TableName=aws.job_table_name, Item={**key, "frame": frame, "state": str(state), "ended_at": "2026"}
    )


@pytest.mark.parametrize("frames", [(1,), (1, 2, 3)], ids=["one", "several"])
def test_a_frame_that_was_reopened_a_moment_ago_has_not_ended(aws: AwsEdges, frames: tuple[int, ...]) -> None:
    for frame in frames:
        put_frame(aws, frame, FrameState.FAILED)
    lagging = Lagging(aws, *(frame_key(JOB.job_id, JOB.shards, frame) for frame in frames))
    put_frame(aws, 1, FrameState.WAITING)
    reader = FrameReader(lagging, aws.job_table_name)
    assert reader.ended(JOB, frames) == set(frames) - {1}, "or nobody renders it"
    assert lagging.consistent == [False, True]


def test_frames_that_nobody_has_rendered_are_looked_at_for_half_the_price(aws: AwsEdges) -> None:
    lagging = Lagging(aws, *(frame_key(JOB.job_id, JOB.shards, frame) for frame in (91, 92)))
    assert FrameReader(lagging, aws.job_table_name).ended(JOB, [91, 92]) == frozenset()
    assert lagging.consistent == [False]


def count(aws: AwsEdges, shard: int, *, total: int, done: int = 0, failed: int = 0) -> None:
    counter = {"total": total, "done": done, "failed": failed}
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**counter_key(JOB.job_id, shard), **counter})


@pytest.mark.parametrize("missing", [0, 7, 8, 31, MAX_SHARDS - 1])
def test_the_end_is_asked_of_all_shards_until_one_is_not_complete(aws: AwsEdges, missing: int) -> None:
    for shard in range(MAX_SHARDS):
        count(aws, shard, total=3, done=2, failed=1)
    lagging = Lagging(aws)
    reader = FrameReader(lagging, aws.job_table_name)
    assert reader.has_ended(JOB, [])
    assert (sum(lagging.items), set(lagging.consistent)) == (MAX_SHARDS, {True})
    count(aws, missing, total=3, done=2)
    lagging.items.clear()
    assert not reader.has_ended(JOB, [])
    assert sum(lagging.items) == 8 * (missing // 8 + 1)


def test_a_job_of_which_nothing_is_counted_has_not_ended(aws: AwsEdges) -> None:
    job = a_job("uncounted", state=JobState.RENDERING, shards=9)
    assert not FrameReader(Lagging(aws), aws.job_table_name).has_ended(job, [])
