"""The index of unfinished jobs, against every writer that ends a job or begins it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.job import Job, JobState, Progress
from contract.job_actions import cancel_job, retry_job
from contract.job_writes import set_attributes
from contract.table import job_key
from functions.settle_dead_letters.records import JobRecords
from functions.sweep_jobs.decision import End
from functions.sweep_jobs.records import SweptRecords
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job, put_state, unfinished_jobs
from worker_agent.stores.job_store import JobStore

NOW = "2026-11-24T00:00:00.000Z"
ALL = Progress(total=1, done=1)


class Table:
    def __init__(self, aws: AwsEdges) -> None:
        self.aws = aws
        self.jobs = JobStore(aws.dynamodb, aws.job_table_name)
        job = a_job(updated_at=NOW, task_sent_at=NOW)
        aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**job_key("a"), **job.to_item()})

    @property
    def job(self) -> Job:
        job = self.jobs.job("a")
        assert job
        return job

    def waits(self) -> None:
        """Why it has no machine, as the measure of the backlog says it."""
        self.aws.dynamodb.update_item(
            TableName=self.aws.job_table_name,
            Key=job_key("a"),
            **set_attributes({"waiting_for": "no Spot machine"}),
        )

    def act(self, request: Callable[..., dict[str, Any]]) -> None:
        self.aws.dynamodb.update_item(**request(table=self.aws.job_table_name, job_id="a", now=NOW))

    def bake(self) -> None:
        lease = int(time.time()) + 60
        assert self.jobs.claim_bake("a", token="b", message_id="m", lease_until=lease)

    def render(self) -> None:
        self.bake()
        assert self.jobs.begin_rendering("a", token="b", published={"shards": 1, "frame_count": 1})

    def finish(self) -> None:
        self.render()
        lease = int(time.time()) + 60
        assert self.jobs.claim_finish(self.job, token="f", message_id="m", lease_until=lease)


@pytest.fixture
def table() -> Iterator[Table]:
    with aws_edges() as aws:
        yield Table(aws)


def baker_fails(table: Table) -> None:
    table.bake()
    table.waits()
    assert table.jobs.fail_job("a", "no camera", token="b")


def rendering_stops(table: Table) -> None:
    table.render()
    table.waits()
    assert table.jobs.stop_rendering("a", "each frame fails")


def finisher_ends(table: Table, state: JobState = JobState.DONE) -> None:
    table.finish()
    table.waits()
    assert table.jobs.end_job("a", state, ALL, "", token="f")


def finisher_ends_with_failures(table: Table) -> None:
    finisher_ends(table, JobState.DONE_WITH_FAILURES)


def person_cancels(table: Table) -> None:
    table.waits()
    table.act(cancel_job)


def dead_letter_ends(table: Table) -> None:
    table.render()
    table.waits()
    records = JobRecords(table.aws.dynamodb, table.aws.job_table_name)
    assert records.end_job(table.job, JobState.FAILED, "workers were lost", ALL, at=NOW)


def sweep_ends(table: Table) -> None:
    table.waits()
    records = SweptRecords(table.aws.dynamodb, table.aws.job_table_name)
    assert records.end(table.job, ALL, End(JobState.FAILED, "lost"), datetime.now(UTC))


ENDINGS = [
    baker_fails,
    rendering_stops,
    finisher_ends,
    finisher_ends_with_failures,
    person_cancels,
    dead_letter_ends,
    sweep_ends,
]


@pytest.mark.parametrize("end", ENDINGS)
def test_a_job_leaves_the_index_when_it_ends_and_comes_back_when_it_is_retried(
    table: Table, end: Callable[[Table], None]
) -> None:
    assert unfinished_jobs(table.aws) == ["a"]
    end(table)
    assert table.job.state.ended
    assert table.job.waiting_for == ""
    assert unfinished_jobs(table.aws) == []
    if table.job.state is JobState.DONE:
        return  # there is nothing to retry
    table.act(retry_job)
    assert table.job.state is JobState.QUEUED
    assert unfinished_jobs(table.aws) == ["a"]


@pytest.mark.parametrize("step", [Table.bake, Table.render, Table.finish])
def test_a_job_that_moves_on_stays_in_the_index_and_waits_for_nothing(
    table: Table, step: Callable[[Table], None]
) -> None:
    table.waits()
    step(table)
    assert unfinished_jobs(table.aws) == ["a"]
    assert table.job.waiting_for == ""


def test_a_job_that_is_queued_anew_for_its_project_is_lost_stays_in_the_index(table: Table) -> None:
    table.render()
    assert table.jobs.send_back(table.job, "the scratch space was cleared")
    assert unfinished_jobs(table.aws) == ["a"]


def test_a_held_job_is_unfinished(table: Table) -> None:
    put_state(table.aws, "a", JobState.HELD)
    assert unfinished_jobs(table.aws) == ["a"]


@pytest.mark.parametrize("state", list(JobState))
def test_a_record_is_written_with_what_its_state_asks_for(table: Table, state: JobState) -> None:
    item = {**job_key("b"), **a_job("b", state=state).to_item()}
    table.aws.dynamodb.put_item(TableName=table.aws.job_table_name, Item=item)
    assert ("b" in unfinished_jobs(table.aws)) is not state.ended
