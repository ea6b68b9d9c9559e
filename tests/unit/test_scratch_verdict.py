"""Which folder may go: by its job's state first, by the clock only then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.job import ENDED, JobState, timestamp
from functions.clear_scratch.verdict import JobFacts, judge_job, judge_orphan
from tests.support.jobs import a_job

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TTL = timedelta(hours=72)
LIVE = sorted(set(JobState) - ENDED)
AGES = st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000))


def facts(state: JobState, age: timedelta, *, baked_folder: str = "baked-t") -> JobFacts:
    job = a_job(state=state, updated_at=timestamp(NOW - age), baked_folder=baked_folder)
    return JobFacts.from_item(job.to_item())


def test_there_are_states_of_both_kinds() -> None:
    assert set(LIVE) == {"QUEUED", "BAKING", "RENDERING", "FINISHING", "HELD"}


@given(state=st.sampled_from(LIVE), age=AGES, baked_folder=st.sampled_from(["", "baked-t"]))
def test_a_live_job_keeps_its_folder_whatever_the_clock_says(
    state: JobState, age: timedelta, baked_folder: str
) -> None:
    verdict = judge_job(facts(state, age, baked_folder=baked_folder), now=NOW, ttl=TTL)
    assert not verdict.clear
    assert verdict.reason == f"its job is {state}"


@given(age=AGES)
def test_what_is_done_goes_at_once(age: timedelta) -> None:
    assert judge_job(facts(JobState.DONE, age), now=NOW, ttl=TTL).clear


@given(age=AGES)
def test_a_bake_that_failed_left_nothing_worth_keeping(age: timedelta) -> None:
    assert judge_job(facts(JobState.FAILED, age, baked_folder=""), now=NOW, ttl=TTL).clear


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.DONE_WITH_FAILURES, JobState.CANCELED])
@pytest.mark.parametrize(
    ("hours", "clear"),
    [(72, True), (72.001, True), (10_000, True), (71.999, False), (0, False), (-1, False), (-10_000, False)],
)
def test_what_a_retry_may_want_stays_for_its_time(state: JobState, hours: float, clear: bool) -> None:
    assert judge_job(facts(state, timedelta(hours=hours)), now=NOW, ttl=TTL).clear is clear


@pytest.mark.parametrize(
    ("hours", "clear"), [(72, True), (10_000, True), (71.999, False), (0, False), (-10_000, False)]
)
def test_a_folder_of_no_job_stays_as_long(hours: float, clear: bool) -> None:
    assert judge_orphan(NOW - timedelta(hours=hours), now=NOW, ttl=TTL).clear is clear


def test_the_reason_has_the_numbers() -> None:
    verdict = judge_job(facts(JobState.FAILED, timedelta(hours=80)), now=NOW, ttl=TTL)
    assert verdict.reason == "its job is FAILED since 80.0 h of 72.0 h"
    orphan = judge_orphan(NOW - timedelta(hours=1.5), now=NOW, ttl=TTL)
    assert orphan.reason == "it belongs to no job, unchanged for 1.5 h of 72.0 h"


@pytest.mark.parametrize("state", ["PAUSED", "", None, 7])
def test_a_state_of_another_version_is_taken_for_a_live_one(state: Any) -> None:
    job = JobFacts.from_item({"state": state, "updated_at": "2020-01-01T00:00:00Z"})
    assert not judge_job(job, now=NOW, ttl=TTL).clear


@pytest.mark.parametrize(
    "updated_at", [None, "", "yesterday", "2020-01-01T00:00:00", 7, "0001-01-01T00:00:00+23:00"]
)
def test_an_end_at_no_moment_is_no_reason(updated_at: Any) -> None:
    job = JobFacts.from_item({"state": "FAILED", "baked_folder": "b", "updated_at": updated_at})
    verdict = judge_job(job, now=NOW, ttl=TTL)
    assert (verdict.clear, "cannot be read" in verdict.reason) == (False, True)
