"""Each step of a job's state is taken once."""

import time
from collections.abc import Iterator

import pytest

from contract.job import JobState, Progress
from contract.job_actions import cancel_job, retry_job
from contract.table import job_key
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from worker_agent.stores.job_store import JobStore
from worker_agent.stores.recorded_lease import CLOCK_MARGIN_SECONDS


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


@pytest.fixture
def jobs(aws: AwsEdges) -> JobStore:
    job = a_job()
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**job_key("a"), **job.to_item()})
    return JobStore(aws.dynamodb, aws.job_table_name)


def cancel_and_retry(jobs: JobStore) -> None:
    for write in (cancel_job, retry_job):
        jobs._dynamodb.update_item(**write(table=jobs._table, job_id="a", now="2026"))


def state(jobs: JobStore) -> JobState:
    job = jobs.job("a")
    assert job
    return job.state


def later() -> int:
    return int(time.time()) + 100


def claim_finish(jobs: JobStore, token: str, message_id: str = "m", lease_until: int | None = None) -> bool:
    job = jobs.job("a")
    assert job
    return jobs.claim_finish(job, token=token, message_id=message_id, lease_until=lease_until or later())


PUBLISHED = {
    "baked_folder": "baked-t",
    "baked_blend": "n.blend",
    "frames": "1-3",
    "frame_count": 3,
    "shards": 1,
}


def test_a_job_is_baked_by_one(jobs: JobStore) -> None:
    assert jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    assert not jobs.claim_bake("a", token="u", message_id="copy", lease_until=later())
    assert jobs.renew_bake("a", token="t", lease_until=later())
    assert not jobs.renew_bake("a", token="u", lease_until=later())


def test_the_same_message_again_means_its_baker_died(jobs: JobStore) -> None:
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    assert jobs.claim_bake("a", token="u", message_id="m", lease_until=later())
    assert not jobs.renew_bake("a", token="t", lease_until=later())


def test_a_baker_that_went_silent_is_followed_by_another_message(jobs: JobStore) -> None:
    jobs.claim_bake("a", token="t", message_id="m", lease_until=int(time.time()) - 1)
    assert jobs.claim_bake("a", token="u", message_id="copy", lease_until=later())


def test_a_lease_that_a_wrong_clock_wrote_holds_nobody_up(jobs: JobStore) -> None:
    own = later()
    jobs.claim_bake("a", token="t", message_id="m", lease_until=own + CLOCK_MARGIN_SECONDS)
    assert not jobs.claim_bake("a", token="u", message_id="copy", lease_until=own), "clocks differ a little"
    jobs.renew_bake("a", token="t", lease_until=own + CLOCK_MARGIN_SECONDS + 1)
    assert jobs.claim_bake("a", token="u", message_id="copy", lease_until=own), "nobody's lease is so long"


def test_a_finishers_lease_that_a_wrong_clock_wrote_holds_nobody_up(jobs: JobStore) -> None:
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    jobs.begin_rendering("a", token="t", published=PUBLISHED)
    assert claim_finish(jobs, "f", lease_until=later() + CLOCK_MARGIN_SECONDS - 1)
    assert not claim_finish(jobs, "g", "copy"), "clocks differ a little"
    jobs.renew_finish("a", token="f", lease_until=later() + 24 * 3600)
    assert claim_finish(jobs, "g", "copy"), "nobody's lease is so long"


def test_a_clock_that_jumps_takes_no_more_than_the_bake_that_it_sees_as_over(
    aws: AwsEdges, jobs: JobStore
) -> None:
    """The one whose clock is wrong may take over; whoever had the bake then publishes nothing."""
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    fast = JobStore(aws.dynamodb, aws.job_table_name, now=lambda: time.time() + 3600)
    assert fast.claim_bake("a", token="u", message_id="copy", lease_until=later() + 3600)
    assert not fast.begin_rendering("a", token="t", published=PUBLISHED)
    assert jobs.claim_bake("a", token="v", message_id="other", lease_until=later()), "at once, not in an hour"


def test_trouble_is_told_on_jobs_that_are_worked_on(jobs: JobStore) -> None:
    def reason() -> str:
        job = jobs.job("a")
        assert job
        return job.reason

    jobs.note_trouble("a", "a disk is full")
    assert reason() == "", "it waits"
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    jobs.note_trouble("a", "a disk is full")
    assert reason() == "a disk is full"
    jobs.begin_rendering("a", token="t", published={**PUBLISHED, "reason": ""})
    assert reason() == ""
    jobs.note_trouble("a", "a disk is full")
    assert reason() == "a disk is full"


def test_only_the_present_baker_publishes(jobs: JobStore) -> None:
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    jobs.claim_bake("a", token="u", message_id="m", lease_until=later())
    assert not jobs.begin_rendering("a", token="t", published=PUBLISHED)
    assert not jobs.fail_job("a", "it looked wrong", token="t")
    assert state(jobs) is JobState.BAKING
    assert jobs.begin_rendering("a", token="u", published=PUBLISHED)
    assert state(jobs) is JobState.RENDERING
    assert not jobs.begin_rendering("a", token="u", published=PUBLISHED)
    assert not jobs.claim_bake("a", token="v", message_id="m", lease_until=later())


def test_only_the_present_baker_says_what_the_scene_is(jobs: JobStore) -> None:
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    jobs.claim_bake("a", token="u", message_id="m", lease_until=later())
    scene = {"engine": "CYCLES", "missing_files": ["image"], "scenes": [{"name": "A", "camera": None}]}
    assert jobs.record_scene("a", token="u", scene=scene)
    assert not jobs.record_scene("a", token="t", scene={})
    job = jobs.job("a")
    assert job
    assert job.scene == scene


def test_failed_bakes_are_counted(jobs: JobStore) -> None:
    assert [jobs.count_failed_bake("a") for _ in range(3)] == [1, 2, 3]
    job = jobs.job("a")
    assert job
    assert job.bake_attempts == 3


def test_a_job_ends_once_and_its_finisher_may_be_followed_by_another(jobs: JobStore) -> None:
    assert not claim_finish(jobs, "f"), "it has not rendered"
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    jobs.begin_rendering("a", token="t", published=PUBLISHED)
    assert claim_finish(jobs, "f")
    assert claim_finish(jobs, "g"), "the same message again"
    ended = Progress(total=3, done=2, failed=1)
    assert not jobs.end_job("a", JobState.DONE, Progress(total=3, done=3), "", token="f")
    assert jobs.end_job("a", JobState.DONE_WITH_FAILURES, ended, "one failed", token="g")
    assert not jobs.end_job("a", JobState.DONE, Progress(total=3, done=3), "", token="g")
    job = jobs.job("a")
    assert job
    assert (job.state, job.reason) == (JobState.DONE_WITH_FAILURES, "one failed")
    assert (job.frames_done, job.frames_failed) == (2, 1)


def test_a_job_is_summed_up_by_one(jobs: JobStore) -> None:
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    jobs.begin_rendering("a", token="t", published=PUBLISHED)
    assert claim_finish(jobs, "f")
    assert not claim_finish(jobs, "g", "copy")
    assert jobs.renew_finish("a", token="f", lease_until=int(time.time()) - 1)
    assert claim_finish(jobs, "g", "copy"), "the finisher before went silent"
    assert not jobs.renew_finish("a", token="f", lease_until=later())


def test_a_finisher_of_the_run_before_does_not_end_the_next(jobs: JobStore) -> None:
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    jobs.begin_rendering("a", token="t", published=PUBLISHED)
    stale = jobs.job("a")
    assert stale
    cancel_and_retry(jobs)
    jobs.claim_bake("a", token="u", message_id="n", lease_until=later())
    jobs.begin_rendering("a", token="u", published=PUBLISHED)
    assert not jobs.claim_finish(stale, token="f", message_id="m", lease_until=later())
    jobs.mark_frames_sent(stale)
    job = jobs.job("a")
    assert job
    assert (job.state, job.frames_sent_at) == (JobState.RENDERING, ""), "the next run's frames are not sent"


def test_a_job_that_is_not_there(jobs: JobStore) -> None:
    assert jobs.job("b") is None
    assert not jobs.claim_bake("b", token="t", message_id="m", lease_until=later())
    jobs.mark_frames_sent(a_job("b"))
    assert jobs.job("b") is None, "nothing makes a record by mistake"


def test_a_finisher_whose_clock_was_far_ahead_keeps_nobody_off(jobs: JobStore) -> None:
    jobs.claim_bake("a", token="t", message_id="m", lease_until=later())
    jobs.begin_rendering("a", token="t", published=PUBLISHED)
    assert claim_finish(jobs, "f", lease_until=later() + 3600)
    assert claim_finish(jobs, "g", "copy")
