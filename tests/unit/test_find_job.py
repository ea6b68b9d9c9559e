"""Which job a person means, on moto's DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.record_reader import RecordReader
from contract.table import job_key
from farm.find_job import HEARD_SECONDS, WhichJobError, find_job
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job

JUST_SENT = "scene-c827c92d1378"


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as aws:
        yield aws


class Person:
    """Waits in no time; the farm hears of a job after so many waits."""

    def __init__(self, aws: AwsEdges, heard_after: int) -> None:
        self.aws = aws
        self.heard_after = heard_after
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        if len(self.waited) == self.heard_after:
            job = a_job(JUST_SENT)
            item = {**job_key(JUST_SENT), **job.to_item()}
            self.aws.dynamodb.put_item(TableName=self.aws.job_table_name, Item=item)

    def find(self, asked: str) -> str:
        records = RecordReader(self.aws.dynamodb, self.aws.job_table_name)
        return find_job(records, asked, pause=self.wait).job_id


def test_a_job_that_was_just_sent_is_waited_for(aws: AwsEdges, capsys: pytest.CaptureFixture[str]) -> None:
    person = Person(aws, heard_after=3)
    assert person.find(JUST_SENT) == JUST_SENT
    assert len(person.waited) == 3
    assert capsys.readouterr().err.count(f"has not heard of {JUST_SENT} yet") == 1
    assert person.find(JUST_SENT) == JUST_SENT
    assert len(person.waited) == 3, "one that is known is not waited for"


def test_a_job_that_never_comes_is_not_waited_for_for_long(aws: AwsEdges) -> None:
    person = Person(aws, heard_after=0)
    with pytest.raises(WhichJobError, match=f"no such job: '{JUST_SENT}'"):
        person.find(JUST_SENT)
    assert sum(person.waited) == HEARD_SECONDS


@pytest.mark.parametrize("asked", ["scene", "scene-c827c92d137", "nosuch"])
def test_the_beginning_of_an_id_names_only_what_is_there(aws: AwsEdges, asked: str) -> None:
    person = Person(aws, heard_after=1)
    with pytest.raises(WhichJobError, match="no such job"):
        person.find(asked)
    assert person.waited == []
