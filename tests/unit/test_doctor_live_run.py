"""A live examination from the upload to what is left: verdicts, time, frames, cost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from contract.job import Job, JobState
from farm.doctor.live.checks import uploads
from farm.doctor.live.cost import most_dollars
from farm.doctor.live.traces import remove
from farm.doctor.live.verdict import Ruling, TimeOverError, judge, ok
from farm.plain_errors import MisusedError
from tests.support.jobs import a_job
from tests.support.live_runs import a_run, assert_seen, giving, raising, refusal


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("AccessDenied", "you may not"), "AccessDenied: you may not"),
        (refusal("InvalidAction", "not served\nhere"), "InvalidAction: not served"),
        (KeyError("JanitorFunctionName"), "JanitorFunctionName"),
        (LookupError(), "LookupError"),
        (TimeOverError("the time was over"), "the time was over"),
    ],
)
def test_a_check_that_cannot_be_made_says_why_and_nothing_of_aws(error: Exception, words: str) -> None:
    verdict = judge("s3-does-it", raising(error))
    assert (verdict.ruling, verdict.assumption) == (Ruling.NOT_TRIED, "s3-does-it")
    assert words in verdict.words
    assert judge("s3-does-it", lambda: ok("it does")).ruling is Ruling.OK


def test_no_wait_goes_on_beyond_the_end() -> None:
    run = a_run()
    assert run.wait_for(lambda: None, 60) is None
    assert run.clock() == 60
    with pytest.raises(TimeOverError):
        run.wait_for(lambda: False, 60)
    assert run.clock() == 100


def test_an_upload_of_which_nobody_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run()
    run.source_key, run.source_version = "live-check-0a1b/é.blend", "v1"
    assert_seen(uploads.event_names_the_upload(run), Ruling.NOT_SO, "no job came")
    garbled = a_run(others=(a_job(project=run.project, source_key="live-check-0a1b/Ã©.blend"),))
    garbled.source_version = "v1"
    assert_seen(
        uploads.event_names_the_upload(garbled), Ruling.NOT_SO, "S3 called it 'live-check-0a1b/Ã©.blend'"
    )
    assert_seen(uploads.event_names_the_upload(a_run()), Ruling.NOT_SO, "versioned")


@pytest.mark.parametrize(
    ("job", "others", "ruling", "words"),
    [
        (a_job(state=JobState.FAILED, reason="no camera"), (), Ruling.NOT_SO, "FAILED: no camera"),
        (a_job(state=JobState.HELD, reason="spent"), (), Ruling.NOT_TRIED, "held: spent"),
        (a_job(state=JobState.DONE, frames_done=2), (), Ruling.NOT_SO, "2 of 3"),
        (a_job(state=JobState.QUEUED), (), Ruling.NOT_SO, "2 machines in a row could not be set up"),
        (a_job(state=JobState.QUEUED, waiting_for="no Spot"), (), Ruling.NOT_TRIED, "no Spot"),
        (a_job(state=JobState.QUEUED), (a_job(job_id="theirs"),), Ruling.NOT_TRIED, "other jobs"),
    ],
)
def test_frames_that_do_not_come(
    monkeypatch: pytest.MonkeyPatch, job: Job, others: tuple[Job, ...], ruling: Ruling, words: str
) -> None:
    boots = SimpleNamespace(failures=2, words="2 machines in a row could not be set up")
    monkeypatch.setattr(uploads, "failed_boots", lambda *_: ("", boots))
    run = a_run(job=job, others=others, dynamodb=SimpleNamespace(meta=SimpleNamespace(client=None)))
    assert_seen(uploads.machine_renders(run), ruling, words)


@pytest.mark.parametrize(
    ("seconds", "microdollars", "ruling"),
    [
        (60, 8_000, Ruling.OK),
        (60, 1_200_000, Ruling.NOT_SO),
        (60, 0, Ruling.NOT_TRIED),
        (0, 0, Ruling.NOT_TRIED),
    ],
)
def test_what_the_run_cost(seconds: int, microdollars: int, ruling: Ruling) -> None:
    job = a_job(state=JobState.DONE, worker_seconds=seconds, microdollars=microdollars)
    assert uploads.run_price(a_run(job=job)).ruling is ruling


def test_what_it_may_cost_is_known_before() -> None:
    assert most_dollars(["m6i.2xlarge"], hour_dollars=None, seconds=600) == pytest.approx(0.074, abs=0.002)
    with pytest.raises(MisusedError, match=r"list price of g5\.xlarge is not known .* worker_hour_dollars"):
        most_dollars(["m6i.2xlarge", "g5.xlarge"], hour_dollars=None, seconds=600)
    assert most_dollars(["g5.xlarge"], hour_dollars=3.0, seconds=600) == pytest.approx(0.51)
    with pytest.raises(MisusedError, match=r"\$6\.00 an hour"):
        most_dollars(["g5.xlarge"], hour_dollars=6.0, seconds=600)


def test_what_cannot_be_taken_away_is_said_and_the_rest_goes() -> None:
    gone: list[Any] = []
    pages = SimpleNamespace(paginate=raising(refusal("AccessDenied", "not yours")))
    table = SimpleNamespace(
        delete_item=lambda **asked: gone.append(asked["Key"]),
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"Items": []}]),
    )
    run = a_run(
        job=a_job(state=JobState.DONE),
        s3=SimpleNamespace(get_paginator=lambda _: pages),
        dynamodb=SimpleNamespace(meta=SimpleNamespace(client=table)),
        sqs=SimpleNamespace(
            list_queues=giving(QueueUrls=["url"]),
            delete_queue=lambda QueueUrl: gone.append(QueueUrl),  # noqa: N803
        ),
        logs=SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [])),
    )
    left = remove(run)
    assert {words.partition(":")[0] for words in left} == {"s3"}
    assert all("AccessDenied" in words for words in left)
    assert "url" in gone
    assert {"pk": "JOB#job-1", "sk": "JOB"} in gone
    assert {"pk": "LIVE#0a1b", "sk": "TEST"} in gone
