"""A monthly budget: what is held, what goes on again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.job import Job, JobState, timestamp
from contract.keys import make_job_id
from contract.settings import ListenerSettings, SweepSettings
from contract.spend import spend_key
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, job_key
from contract.tasks import BakeTask, decode
from functions.accept_upload.intake import Intake
from functions.accept_upload.notification import UploadedObject
from functions.sweep_jobs.queues import TaskQueues
from functions.sweep_jobs.records import SweptRecords
from functions.sweep_jobs.sweep import Report, Sweep
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job, unfinished_jobs

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Farm:
    """A listener and a sweep, with a budget of $50."""

    def __init__(self, aws: AwsEdges) -> None:
        self.aws, self.budget, self.now = aws, 50.0, NOW
        self.woken = 0

    def has_spent(self, dollars: float, month: str = "2026-11") -> None:
        item = {**spend_key(month), "microdollars": int(dollars * 1_000_000), "measured_at": 1}
        self.aws.dynamodb.put_item(TableName=self.aws.job_table_name, Item=item)

    def upload(self, key: str = "film/scene.blend", **metadata: str) -> tuple[Job, str]:
        answer = self.aws.s3.put_object(
            Bucket=self.aws.render_bucket_name, Key=key, Body=io.BytesIO(b"BLENDER"), Metadata=metadata
        )
        uploaded = UploadedObject(self.aws.render_bucket_name, key, answer["VersionId"])
        said = self.hear(uploaded)
        return self.job(make_job_id(uploaded.bucket, uploaded.key, uploaded.version)), said

    def hear(self, uploaded: UploadedObject) -> str:
        def wake() -> None:
            self.woken += 1

        return Intake(
            table_name=self.aws.job_table_name,
            queue_url=self.aws.bake_queue_url,
            dynamodb=self.aws.dynamodb,
            s3=self.aws.s3,
            sqs=self.aws.sqs,
            now=lambda: self.now,
            when_queued=wake,
            monthly_budget_dollars=self.budget,
        ).accept(uploaded)

    def hold(self, job_id: str, created_at: datetime = NOW) -> None:
        job = a_job(job_id, state=JobState.HELD, reason="held", created_at=timestamp(created_at))
        item = {**job_key(job_id), **job.to_item(), INDEX_PARTITION_KEY: JOB_LISTING}
        self.aws.dynamodb.put_item(TableName=self.aws.job_table_name, Item=item)

    def sweep(self, calls: int = 1_000) -> Report:
        left = iter(range(calls))
        settings = SweepSettings(
            job_table_name=self.aws.job_table_name,
            bake_queue_url=self.aws.bake_queue_url,
            render_queue_url=self.aws.render_queue_url,
            urgent_queue_url=self.aws.urgent_queue_url,
            stall_seconds=900,
        )
        return Sweep(
            records=SweptRecords(self.aws.dynamodb, self.aws.job_table_name, lambda _: None),
            queues=TaskQueues(self.aws.sqs, settings),
            stall_seconds=900,
            monthly_budget_dollars=self.budget,
            now=lambda: self.now,
            out_of_time=lambda: next(left, None) is None,
        ).run()

    def job(self, job_id: str) -> Job:
        item = self.aws.dynamodb.get_item(TableName=self.aws.job_table_name, Key=job_key(job_id))["Item"]
        return Job.from_item(item)

    def sent(self) -> list[Any]:
        answer = self.aws.sqs.receive_message(QueueUrl=self.aws.bake_queue_url, MaxNumberOfMessages=10)
        return [decode(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture
def farm() -> Iterator[Farm]:
    with aws_edges() as aws:
        yield Farm(aws)


class TestUploads:
    def test_one_within_the_budget_goes_its_way(self, farm: Farm) -> None:
        farm.has_spent(49.99)
        job, _ = farm.upload()
        assert (job.state, farm.sent(), farm.woken) == (JobState.QUEUED, [BakeTask(job.job_id)], 1)

    def test_one_beyond_it_is_held_says_why_and_sends_nothing(self, farm: Farm) -> None:
        farm.has_spent(51.2)
        job, said = farm.upload(frames="1-10", priority="high")
        assert job.state is JobState.HELD
        assert job.reason.startswith("this month's estimate is $51.20 of the budget of $50: it goes on next")
        assert said == f"job {job.job_id} held: {job.reason}"
        assert (farm.sent(), farm.woken, job.task_sent_at) == ([], 0, "")
        assert job.options == {"frames": "1-10", "priority": "high"}
        assert unfinished_jobs(farm.aws) == [job.job_id]

    def test_its_event_may_come_twice(self, farm: Farm) -> None:
        farm.has_spent(51.2)
        job, _ = farm.upload()
        uploaded = UploadedObject(job.bucket, job.source_key, job.source_version)
        assert "known already (HELD)" in farm.hear(uploaded)
        farm.has_spent(0)
        assert "known already (HELD)" in farm.hear(uploaded), "the sweep is who lets it go on"
        assert farm.sent() == []

    def test_what_cannot_be_rendered_fails_all_the_same(self, farm: Farm) -> None:
        farm.has_spent(51.2)
        assert farm.upload(colour="red")[0].state is JobState.FAILED

    @pytest.mark.parametrize("budget", [None, 0.0])
    def test_without_a_budget_nothing_is_held(self, farm: Farm, budget: float) -> None:
        farm.budget = budget
        farm.has_spent(10_000)
        assert farm.upload()[0].state is JobState.QUEUED

    def test_last_months_money_is_spent(self, farm: Farm) -> None:
        farm.has_spent(51.2, month="2026-10")
        assert farm.upload()[0].state is JobState.QUEUED


class TestSweep:
    def test_what_is_held_stays_held_while_the_budget_is_spent(self, farm: Farm) -> None:
        farm.has_spent(51.2)
        farm.hold("held")
        assert farm.sweep() == Report()
        assert (farm.job("held").state, farm.job("held").reason, farm.sent()) == (JobState.HELD, "held", [])

    @pytest.mark.parametrize("why", ["a new month", "a raised budget", "no budget any more"])
    def test_it_goes_on_oldest_first(self, farm: Farm, why: str) -> None:
        farm.has_spent(51.2)
        farm.hold("second", NOW)
        farm.hold("first", datetime(2026, 11, 20, tzinfo=UTC))
        if why == "a new month":
            farm.now = datetime(2026, 12, 1, tzinfo=UTC)
        else:
            farm.budget = 52.0 if why == "a raised budget" else 0.0
        assert farm.sweep() == Report(released=["first", "second"])
        assert farm.sent() == [BakeTask("first"), BakeTask("second")]
        job = farm.job("first")
        assert (job.state, job.reason, job.task_sent_at) == (JobState.QUEUED, "", timestamp(farm.now))
        assert farm.sweep().released == []

    def test_a_few_go_on_in_each_round(self, farm: Farm) -> None:
        for day in range(1, 6):
            farm.hold(f"of-day-{day}", datetime(2026, 11, day, tzinfo=UTC))
        assert farm.sweep().released == ["of-day-1", "of-day-2", "of-day-3"]
        farm.has_spent(51.2)
        assert farm.sweep().released == [], "these have spent what there was"
        farm.has_spent(0)
        assert farm.sweep().released == ["of-day-4", "of-day-5"]

    def test_the_others_are_looked_after_all_the_same(self, farm: Farm) -> None:
        farm.has_spent(51.2)
        farm.hold("held")
        job = a_job("open", created_at=timestamp(NOW), updated_at=timestamp(NOW))
        farm.aws.dynamodb.put_item(
            TableName=farm.aws.job_table_name, Item={**job_key("open"), **job.to_item()}
        )
        assert farm.sweep() == Report(open_jobs=1)

    def test_a_spend_that_cannot_be_read_holds_on_and_keeps_no_other_job_from_the_sweep(
        self, farm: Farm
    ) -> None:
        farm.hold("held")
        spent = {**spend_key("2026-11"), "microdollars": "a lot"}
        farm.aws.dynamodb.put_item(TableName=farm.aws.job_table_name, Item=spent)
        job = a_job("open", created_at=timestamp(NOW), updated_at=timestamp(NOW))
        farm.aws.dynamodb.put_item(
            TableName=farm.aws.job_table_name, Item={**job_key("open"), **job.to_item()}
        )
        assert farm.sweep() == Report(open_jobs=1, broken=["the month's spend"])
        assert farm.job("held").state is JobState.HELD

    def test_time_that_is_out_leaves_the_rest_for_the_next_round(self, farm: Farm) -> None:
        for number in range(3):
            farm.hold(f"held-{number}")
        report = farm.sweep(calls=2)  # one look before each job, and one for the bake task that follows
        assert (report.finished, len(report.released)) == (False, 1)
        assert len(farm.sweep().released) == 2

    def test_one_that_somebody_released_meanwhile_is_left_alone(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        farm.hold("held")
        monkeypatch.setattr(SweptRecords, "release", lambda *_: False)
        assert farm.sweep() == Report()
        assert farm.sent() == []


def test_settings_carry_the_budget() -> None:
    env = {
        "FARM_JOB_TABLE_NAME": "t",
        "FARM_BAKE_QUEUE_URL": "q",
        "FARM_BACKLOG_FUNCTION_NAME": "f",
        "FARM_MONTHLY_BUDGET_DOLLARS": "50.5",
    }
    assert ListenerSettings.from_env(env).monthly_budget_dollars == 50.5
