"""Whether a job has ended is read for little, and of every shard."""

from collections.abc import Iterator
from typing import Any

import pytest

from contract.job import JobState
from contract.table import MAX_SHARDS, counter_key, shard_of
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from worker_agent.stores.frame_reader import FrameReader

JOB = a_job(state=JobState.RENDERING, shards=MAX_SHARDS)


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


class Counting:
    """The table, and how many items each call reads."""

    def __init__(self, aws: AwsEdges) -> None:
        self._dynamodb = aws.dynamodb
        self.items: list[int] = []

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803  # as boto3 names it
        (asked,) = RequestItems.values()
        assert asked["ConsistentRead"]
        self.items.append(len(asked["Keys"]))
        return self._dynamodb.batch_get_item(RequestItems=RequestItems)

    def get_item(self, **asked: Any) -> Any:
        assert asked["ConsistentRead"]
        self.items.append(1)
        return self._dynamodb.get_item(**asked)


def count(aws: AwsEdges, shard: int, *, total: int, done: int = 0, failed: int = 0) -> None:
    counter = {"total": total, "done": done, "failed": failed}
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**counter_key(JOB.job_id, shard), **counter})


@pytest.mark.parametrize("missing", [0, 7, 8, 31, MAX_SHARDS - 1])
def test_the_end_is_asked_of_all_shards_until_one_is_not_complete(aws: AwsEdges, missing: int) -> None:
    for shard in range(MAX_SHARDS):
        count(aws, shard, total=3, done=2, failed=1)
    counting = Counting(aws)
    reader = FrameReader(counting, aws.job_table_name)
    assert reader.has_ended(JOB, [])
    assert counting.items == [8] * (MAX_SHARDS // 8)
    count(aws, missing, total=3, done=2)
    counting.items.clear()
    assert not reader.has_ended(JOB, [])
    assert counting.items == [8] * (missing // 8 + 1)


def test_a_job_of_which_nothing_is_counted_has_not_ended(aws: AwsEdges) -> None:
    job = a_job("uncounted", state=JobState.RENDERING, shards=9)
    assert not FrameReader(Counting(aws), aws.job_table_name).has_ended(job, [])


def test_whose_own_frames_are_of_a_shard_that_is_not_complete_reads_no_other(aws: AwsEdges) -> None:
    for shard in range(MAX_SHARDS):
        count(aws, shard, total=3, done=3)
    frame = next(frame for frame in range(1_000) if shard_of(frame, MAX_SHARDS) == MAX_SHARDS - 1)
    count(aws, MAX_SHARDS - 1, total=3, done=2)
    counting = Counting(aws)
    assert not FrameReader(counting, aws.job_table_name).has_ended(JOB, [frame])
    assert counting.items == [1]
