"""Job records in one go; what was not read never passes for what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.job import JobState
from contract.table import job_key
from functions.clear_scratch.records import READ_BATCH, TRIES, JobRecords, RecordsUnreadError
from functions.clear_scratch.verdict import JobFacts
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


class Reluctant:
    """A client that leaves most of each request unread, a few times."""

    def __init__(self, dynamodb: Any, times: int) -> None:
        self._dynamodb = dynamodb
        self._times = times
        self.requests: list[Any] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        self.requests.append(RequestItems)
        ((table, request),) = RequestItems.items()
        if len(self.requests) > self._times:
            return self._dynamodb.batch_get_item(RequestItems=RequestItems)
        first, rest = request["Keys"][:1], request["Keys"][1:]
        answer = self._dynamodb.batch_get_item(RequestItems={table: {**request, "Keys": first}})
        return {**answer, "UnprocessedKeys": {table: {**request, "Keys": rest}}}


def put(aws: AwsEdges, count: int) -> list[str]:
    ids = [f"job-{number}" for number in range(count)]
    for job_id in ids:
        job = a_job(job_id, state=JobState.FAILED, updated_at="2026-01-02T00:00:00.000Z")
        aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**job_key(job_id), **job.to_item()})
    return ids


def test_a_batch_is_read_consistently_and_what_has_no_record_is_left_out(aws: AwsEdges) -> None:
    ids = put(aws, READ_BATCH - 1)
    client = Reluctant(aws.dynamodb, 0)
    found = JobRecords(client, aws.job_table_name).read([*ids, "nobody"])
    assert set(found) == set(ids)
    assert found["job-7"] == JobFacts(
        state=JobState.FAILED, updated_at=datetime(2026, 1, 2, tzinfo=UTC), published=False
    )
    (request,) = client.requests
    assert request[aws.job_table_name]["ConsistentRead"] is True


def test_what_dynamodb_left_unread_is_asked_for_again(aws: AwsEdges) -> None:
    ids = put(aws, 8)
    waits: list[float] = []
    client = Reluctant(aws.dynamodb, TRIES - 1)
    found = JobRecords(client, aws.job_table_name, waits.append).read(ids)
    assert set(found) == set(ids)
    assert len(waits) == TRIES - 1


def test_what_stays_unread_is_an_error(aws: AwsEdges) -> None:
    ids = put(aws, 30)
    records = JobRecords(Reluctant(aws.dynamodb, 100), aws.job_table_name, lambda _: None)
    with pytest.raises(RecordsUnreadError, match="24 job records"):
        records.read(ids)


def test_nothing_is_asked_about_nothing(aws: AwsEdges) -> None:
    client = Reluctant(aws.dynamodb, 0)
    assert JobRecords(client, aws.job_table_name).read([]) == {}
    assert client.requests == []
