"""Jobs whose tasks were lost, swept under moto: what is sent again, how often, and how it ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.job import Job, JobState, timestamp
from contract.next_step import Step
from contract.settings import SweepSettings
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, job_key
from contract.tasks import BakeTask, FinishTask, RenderTask, Task, decode
from functions.sweep_jobs import handler
from functions.sweep_jobs.queues import TaskQueues
from functions.sweep_jobs.records import SweptRecords
from functions.sweep_jobs.sweep import Report, Sweep
from tests.support.agent import JOB_ID, Agent, agent_in
from tests.support.jobs import a_job, put_state

STALL = 900
BAKE, FINISH = BakeTask(JOB_ID), FinishTask(JOB_ID)


class Clock:
    """The sweep's time, and the time that its Lambda has left."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.calls_left = 1_000_000

    def pass_seconds(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def out_of_time(self) -> bool:
        self.calls_left -= 1
        return self.calls_left < 0


class Farm:
    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.clock = Clock()
        self.settings = SweepSettings(
            job_table_name=agent.aws.job_table_name,
            bake_queue_url=agent.aws.bake_queue_url,
            render_queue_url=agent.aws.render_queue_url,
            urgent_queue_url=agent.aws.urgent_queue_url,
            stall_seconds=STALL,
        )

    def upload(self, **attributes: Any) -> None:
        """The agent's one job, as the listener leaves it: in the index."""
        created = timestamp(self.clock.now)
        self.agent.upload(created_at=created, updated_at=created, **attributes)
        self.listed(self.agent.job)

    def listed(self, job: Job, **broken: Any) -> None:
        item = {**job_key(job.job_id), **job.to_item(), INDEX_PARTITION_KEY: JOB_LISTING, **broken}
        self.agent.aws.dynamodb.put_item(TableName=self.agent.aws.job_table_name, Item=item)

    def sweep(self) -> Report:
        return self.a_sweep().run()

    def a_sweep(self) -> Sweep:
        aws = self.agent.aws
        return Sweep(
            records=SweptRecords(aws.dynamodb, aws.job_table_name, lambda _: None),
            queues=TaskQueues(aws.sqs, self.settings),
            stall_seconds=STALL,
            now=lambda: self.clock.now,
            out_of_time=self.clock.out_of_time,
        )

    def sweep_after(self, seconds: int) -> Report:
        self.clock.pass_seconds(seconds)
        return self.sweep()

    def taken(self, *urls: str) -> list[Task]:
        """Take all tasks there are off some queues or all, for good."""
        sqs, settings, found = self.agent.aws.sqs, self.settings, []
        for url in urls or (settings.bake_queue_url, settings.render_queue_url, settings.urgent_queue_url):
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
                for message in messages:
                    found.append(decode(message["Body"]))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with agent_in(tmp_path) as agent:
        yield Farm(agent)


def rendering(farm: Farm, frames: str = "1-3") -> None:
    """A job whose frames were sent, and lost."""
    farm.upload(options={"frames": frames})
    farm.agent.bake(BAKE, farm.agent.lease())
    farm.taken()


def test_a_lost_bake_is_sent_again_once_it_stands_still(farm: Farm) -> None:
    farm.upload()
    assert farm.sweep() == Report(open_jobs=1)
    assert farm.sweep_after(STALL - 1) == Report(open_jobs=1)
    assert farm.sweep_after(1) == Report(open_jobs=1, sent_again=[JOB_ID])
    assert farm.sweep() == Report(open_jobs=1)
    assert farm.taken() == [BAKE]


def test_a_job_whose_message_is_there_waits_as_long_as_it_must(farm: Farm) -> None:
    farm.upload()
    farm.agent.aws.sqs.send_message(QueueUrl=farm.settings.bake_queue_url, MessageBody="its task")
    farm.sweep()
    for _ in range(5):
        assert farm.sweep_after(24 * 3600).sent_again == []
    farm.agent.aws.sqs.receive_message(QueueUrl=farm.settings.bake_queue_url)  # held by a worker
    assert farm.sweep_after(24 * 3600).sent_again == []


def test_just_the_frames_that_are_missing_are_sent_again(farm: Farm) -> None:
    rendering(farm)
    farm.agent.render(RenderTask(JOB_ID, "2"), farm.agent.lease())
    farm.agent.frames.add_interruption(farm.agent.job, 3)  # it has a record, and has not ended
    farm.sweep()
    assert farm.sweep_after(STALL).sent_again == [JOB_ID]
    assert farm.taken() == [RenderTask(JOB_ID, "1"), RenderTask(JOB_ID, "3")]


def test_more_frames_than_one_call_takes(farm: Farm) -> None:
    rendering(farm, "1-25")
    farm.sweep()
    farm.sweep_after(STALL)
    assert sorted(int(task.frames) for task in farm.taken() if isinstance(task, RenderTask)) == [
        *range(1, 26)
    ]


def test_frames_that_were_never_sent_need_their_baker(farm: Farm) -> None:
    rendering(farm)
    farm.listed(replace(farm.agent.job, frames_sent_at=""))
    farm.sweep()
    farm.sweep_after(STALL)
    assert farm.taken() == [BAKE]


@pytest.mark.parametrize("state", [JobState.RENDERING, JobState.FINISHING])
def test_a_lost_finish_is_sent_again(farm: Farm, state: JobState) -> None:
    rendering(farm, "1")
    farm.agent.render(RenderTask(JOB_ID, "1"), farm.agent.lease())
    if state is JobState.FINISHING:
        put_state(farm.agent.aws, JOB_ID, state)
    farm.taken()
    farm.sweep()
    farm.sweep_after(STALL)
    assert farm.taken() == [FINISH]


@pytest.mark.parametrize("state", [JobState.DONE, JobState.CANCELED])
def test_a_job_that_has_ended_is_not_even_looked_at(farm: Farm, state: JobState) -> None:
    farm.upload(state=state)
    assert farm.sweep() == Report()
    assert farm.agent.job.sweep == {}


def test_a_bake_that_goes_on_is_left_alone_and_one_that_lapsed_is_not(farm: Farm) -> None:
    farm.upload()
    lease_until = int(farm.clock.now.timestamp()) + STALL
    farm.agent.jobs.claim_bake(JOB_ID, token="t", message_id="m", lease_until=lease_until)
    farm.sweep()
    assert farm.sweep_after(STALL - 1).sent_again == []
    assert farm.sweep_after(1).sent_again == [JOB_ID]
    assert farm.taken() == [BAKE]


def test_progress_starts_the_clock_anew(farm: Farm) -> None:
    rendering(farm)
    farm.sweep()
    farm.clock.pass_seconds(STALL)
    farm.agent.render(RenderTask(JOB_ID, "1"), farm.agent.lease())
    assert farm.sweep() == Report(open_jobs=1)
    assert farm.sweep_after(STALL).sent_again == [JOB_ID]


def test_two_sweeps_at_once_send_once(farm: Farm) -> None:
    farm.upload()
    farm.sweep()
    farm.clock.pass_seconds(STALL)
    first, second = farm.a_sweep(), farm.a_sweep()
    seen = list(first._read(list(first.records.open_jobs()), Report()))
    for sweep in (first, second):
        for job in seen:
            sweep._help(job, frozenset(Step), True, Report())
    assert farm.taken() == [BAKE]


def test_a_job_that_moves_between_the_look_and_the_note_is_left_alone(farm: Farm) -> None:
    farm.upload()
    lapsed = int(farm.clock.now.timestamp()) - 1
    farm.agent.jobs.claim_bake(JOB_ID, token="t", message_id="m", lease_until=lapsed)
    farm.sweep()
    farm.clock.pass_seconds(STALL)
    sweep = farm.a_sweep()
    (seen,) = sweep._read(list(sweep.records.open_jobs()), Report())
    assert seen.job.state is JobState.BAKING
    farm.agent.jobs.claim_bake(JOB_ID, token="next", message_id="m", lease_until=lapsed)
    report = Report()
    sweep._help(seen, frozenset(Step), True, report)
    assert report == Report()
    assert farm.taken() == []


def test_what_vanishes_each_time_ends_with_a_reason(farm: Farm) -> None:
    rendering(farm)
    farm.agent.render(RenderTask(JOB_ID, "2"), farm.agent.lease())
    farm.sweep()
    sent = 0
    for _ in range(40):
        report = farm.sweep_after(300)
        sent += len(report.sent_again)
        if report.ended:
            break
        farm.taken()  # and nothing comes of them
    assert sent == 3
    job = farm.agent.job
    assert (job.state, job.frames_done, job.frames_failed) == (JobState.FAILED, 1, 0)
    assert job.reason.startswith(
        "what was left of its frames was sent to the workers 3 times more, and nothing came of it for 1"
    )
    assert farm.sweep() == Report()


def test_while_anything_is_on_a_queue_no_job_is_given_up(farm: Farm) -> None:
    rendering(farm)
    farm.sweep()
    farm.agent.aws.sqs.send_message(QueueUrl=farm.settings.bake_queue_url, MessageBody="another job's")
    for _ in range(10):
        assert farm.sweep_after(10 * STALL).ended == []
        farm.taken(farm.settings.render_queue_url)


def test_a_job_that_cannot_be_summed_up_ends_as_what_it_is(farm: Farm) -> None:
    rendering(farm, "1")
    farm.agent.render(RenderTask(JOB_ID, "1"), farm.agent.lease())
    for _ in range(10):
        farm.taken()
        farm.sweep_after(10 * STALL)
    assert (farm.agent.job.state, farm.agent.job.frames_done) == (JobState.DONE, 1)
    assert "no worker could sum it up" in farm.agent.job.reason


def test_one_broken_record_does_not_stop_the_others(farm: Farm, caplog: pytest.LogCaptureFixture) -> None:
    farm.upload()
    created = timestamp(farm.clock.now - timedelta(days=1))
    old = a_job("older", created_at=created, updated_at=created)
    farm.listed(old, frame_count="many")
    farm.listed(
        replace(
            old,
            job_id="b",
            state=JobState.RENDERING,
            frames="no frames",
            shards=1,
            frame_count=1,
            frames_sent_at="2026",
        )
    )
    farm.agent.frames.expect("b", [1], 1)
    farm.sweep()
    with caplog.at_level(logging.ERROR):
        report = farm.sweep_after(STALL)
    assert report.broken == ["older", "b"]
    assert JOB_ID in report.sent_again
    assert "job older could not be read" in caplog.text
    assert "job b could not be helped" in caplog.text


def test_jobs_are_looked_for_page_by_page_however_old_they_are(farm: Farm) -> None:
    for number in range(30):
        created = timestamp(farm.clock.now - timedelta(days=20 * number))
        farm.listed(a_job(f"j{number}", created_at=created, updated_at=created, reason="x" * 100_000))
    assert farm.sweep().open_jobs == 30


def test_a_round_without_time_goes_on_in_the_next(farm: Farm) -> None:
    rendering(farm, "1-25")
    farm.sweep()
    farm.clock.calls_left = 3  # reading the job, helping it, one batch of ten
    assert farm.sweep_after(STALL).finished is False
    assert len(farm.taken()) == 10
    farm.clock.calls_left = 1_000_000
    assert farm.sweep().sent_again == []
    assert farm.sweep_after(STALL) == Report(open_jobs=1, sent_again=[JOB_ID])
    assert len(farm.taken()) == 25
    farm.clock.calls_left = 0
    assert farm.sweep_after(STALL) == Report(finished=False)


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_the_lambda_reports_and_an_error_of_a_job_is_one_of_its_own(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in farm.settings.to_env().items():
        monkeypatch.setenv(name, value)
    handler._dynamodb.cache_clear()
    handler._sqs.cache_clear()
    try:
        farm.upload()
        assert handler.handle({}, Context()) == {
            "finished": True,
            "open_jobs": 1,
            "released": [],
            "sent_again": [],
            "ended": [],
            "broken": [],
        }
        assert int(farm.agent.job.sweep["since"]) > 0
        farm.listed(farm.agent.job, shards="many")
        with pytest.raises(handler.BrokenJobsError, match=f"1 jobs could not be swept: {JOB_ID}"):
            handler.handle({}, Context())
    finally:
        handler._dynamodb.cache_clear()
        handler._sqs.cache_clear()
