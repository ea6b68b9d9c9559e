"""What the sweep decides, as tables: a job as it stands, the queues, and what is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.job import Job, JobState, Progress
from contract.next_step import Step, in_hand, next_step
from contract.options import LONGEST_FRAME_SECONDS
from functions.sweep_jobs.decision import (
    PATIENCE_SECONDS,
    SENDS,
    End,
    Messages,
    OpenJob,
    SendAgain,
    Sighting,
    Watch,
    decide,
)
from tests.support.jobs import a_job

NOW, STALL = 1_000_000, 900
HELPLESS = LONGEST_FRAME_SECONDS + PATIENCE_SECONDS
EVERYTHING = frozenset(Step)
HALF = Progress(total=10, done=4, failed=1)
ALL = Progress(total=10, done=9, failed=1)


def open_job(state: JobState, progress: Progress = HALF, **attributes: Any) -> OpenJob:
    sent = {"frames_sent_at": "2026"} if state is JobState.RENDERING else {}
    return OpenJob(job=a_job(state=state, **{**sent, **attributes}), progress=progress)


def standing(seen: OpenJob, seconds: int, times: int = 0, sent_ago: int | None = None) -> OpenJob:
    """The job, as a sweep has seen it stand for so long."""
    sent_at = NOW - sent_ago if sent_ago is not None else 0
    sighting = Sighting(mark=seen.mark, since=NOW - seconds, times=times, sent_at=sent_at)
    return replace(seen, job=replace(seen.job, sweep=sighting.to_map()))


def decided(
    seen: OpenJob, *, lacking: frozenset[Step] = EVERYTHING, queues_empty: bool = True, now: int = NOW
) -> Watch | SendAgain | End | None:
    return decide(seen, lacking=lacking, queues_empty=queues_empty, now=now, stall_seconds=STALL)


STEPS = [
    (open_job(JobState.QUEUED), Step.BAKE, 1),
    (open_job(JobState.BAKING), Step.BAKE, 1),
    (open_job(JobState.RENDERING, frames_sent_at=""), Step.BAKE, 1),
    (open_job(JobState.RENDERING), Step.RENDER, 5),
    (open_job(JobState.RENDERING, ALL), Step.FINISH, 1),
    (open_job(JobState.FINISHING, ALL), Step.FINISH, 1),
]


@pytest.mark.parametrize(("seen", "step", "tasks"), STEPS)
def test_what_lost_its_tasks_is_sent_just_them(seen: OpenJob, step: Step, tasks: int) -> None:
    assert (seen.step, seen.tasks) == (step, tasks)
    sent = SendAgain(step, Sighting(mark=seen.mark, since=NOW - STALL, times=1, sent_at=NOW))
    assert decided(standing(seen, STALL)) == sent
    assert decided(standing(seen, STALL - 1)) is None
    assert decided(standing(seen, STALL), lacking=EVERYTHING - {step}) is None


@pytest.mark.parametrize("state", [*(s for s in JobState if s.ended), JobState.HELD])
def test_what_has_ended_or_is_held_is_left_alone(state: JobState) -> None:
    assert next_step(a_job(state=state), HALF) is None
    assert decided(standing(open_job(state), 10 * STALL)) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"state": JobState.QUEUED}, {"state": JobState.BAKING}),
        ({"bake_lease_until": 1}, {"bake_lease_until": 2}),
        ({"bake_progress": {"frame": 1}}, {"bake_progress": {"frame": 2}}),
        ({"finish_lease_until": 1}, {"finish_lease_until": 2}),
        ({"retries": 0}, {"retries": 1}),
    ],
)
def test_whatever_moves_a_job_starts_the_clock_anew(before: dict[str, Any], after: dict[str, Any]) -> None:
    base: dict[str, Any] = {"state": JobState.BAKING}
    seen = standing(open_job(**{**base, **before}), 10 * STALL, times=SENDS, sent_ago=5 * STALL)
    moved = open_job(**{**base, **after}, sweep=seen.job.sweep)
    assert decided(moved) == Watch(Sighting(mark=moved.mark, since=NOW))


def test_an_ended_frame_is_progress_and_a_note_of_the_sweep_is_none() -> None:
    seen = standing(open_job(JobState.RENDERING), 10 * STALL, times=2, sent_ago=3 * STALL)
    moved = replace(seen, progress=replace(HALF, done=5))
    assert decided(moved) == Watch(Sighting(mark=moved.mark, since=NOW))
    assert isinstance(decided(replace(seen, job=replace(seen.job, updated_at="2027"))), SendAgain)


def test_who_works_on_it_is_left_alone() -> None:
    for state, lease in ((JobState.BAKING, "bake_lease_until"), (JobState.FINISHING, "finish_lease_until")):
        alive = open_job(state, ALL, **{lease: NOW + 1})
        assert in_hand(alive.job, NOW)
        assert decided(standing(alive, 10 * STALL)) is None
        lapsed = open_job(state, ALL, **{lease: NOW})
        assert not in_hand(lapsed.job, NOW)
        assert isinstance(decided(standing(lapsed, 10 * STALL)), SendAgain)


@pytest.mark.parametrize(
    ("times", "sent_ago", "again"),
    [
        (1, STALL - 1, False),
        (1, STALL, True),
        (2, 2 * STALL - 1, False),
        (2, 2 * STALL, True),
        (SENDS + 1, 4 * STALL - 1, False),
        (SENDS + 1, 4 * STALL, True),
    ],
)
def test_it_does_not_send_at_every_run(times: int, sent_ago: int, again: bool) -> None:
    seen = standing(open_job(JobState.RENDERING), 20 * STALL, times=times, sent_ago=sent_ago)
    decision = decided(seen, queues_empty=False)
    assert isinstance(decision, SendAgain) is again
    if isinstance(decision, SendAgain):
        assert (decision.sighting.times, decision.sighting.sent_at) == (times + 1, NOW)


@pytest.mark.parametrize(("seen", "step", "tasks"), STEPS)
def test_what_no_sending_helps_ends_with_a_reason(seen: OpenJob, step: Step, tasks: int) -> None:
    tried = standing(seen, 120 * 60, times=SENDS, sent_ago=SENDS * STALL)
    decision = decided(tried)
    assert isinstance(decision, End)
    if step is Step.FINISH:
        assert decision.state is JobState.DONE_WITH_FAILURES
        assert "its 9 rendered frames are in the bucket and 1 could not be rendered" in decision.reason
    else:
        assert decision.state is JobState.FAILED
        assert "was sent to the workers 3 times more" in decision.reason
        assert "for 120 minutes: see the workers' logs" in decision.reason
    assert isinstance(decided(tried, queues_empty=False), SendAgain)
    assert decided(tried, lacking=frozenset()) is None
    assert isinstance(decided(standing(seen, 120 * 60, times=SENDS - 1, sent_ago=3 * STALL)), SendAgain)


def test_the_last_trouble_is_told() -> None:
    seen = open_job(JobState.QUEUED, reason="no Blender 5.2")
    decision = decided(standing(seen, 9 * STALL, times=SENDS, sent_ago=3 * STALL))
    assert isinstance(decision, End)
    assert decision.reason.endswith("; the last trouble was: no Blender 5.2")


@pytest.mark.parametrize(
    ("reason", "timeout", "stood", "trouble_age", "ends"),
    [
        ("Blender 5.2.3 could not be installed", None, HELPLESS, 60, True),
        ("Blender 5.2.3 could not be installed", None, HELPLESS - 1, 60, False),
        ("Blender 5.2.3 could not be installed", 60, 60 + PATIENCE_SECONDS, 60, True),
        ("Blender 5.2.3 could not be installed", 60, 59 + PATIENCE_SECONDS, 60, False),
        ("Blender 5.2.3 could not be installed", None, HELPLESS, 600, False),  # no worker says so now
        ("", None, HELPLESS, 60, False),  # it waits for workers, maybe for a weekend
    ],
)
def test_frames_that_go_round_without_the_blender_they_need(
    reason: str, timeout: int | None, stood: int, trouble_age: int, ends: bool
) -> None:
    """Their messages are there, so nothing is lost, and yet the job would wait for ever."""
    options = {"frame_timeout_seconds": timeout} if timeout else {}
    seen = standing(open_job(JobState.RENDERING, reason=reason, options=options), stood)
    decision = decided(
        replace(seen, trouble_age_seconds=trouble_age), lacking=frozenset(), queues_empty=False
    )
    assert (decision is not None) is ends
    if ends:
        assert decision == End(JobState.FAILED, f"{reason} (no frame was rendered for {stood // 60} minutes)")


QUEUED, RENDERING = open_job(JobState.QUEUED), open_job(JobState.RENDERING)
FINISHING = open_job(JobState.FINISHING, ALL)
FRAMES = {Step.RENDER, Step.FINISH}


@pytest.mark.parametrize(
    ("bake", "frames", "jobs", "lacking"),
    [
        (0, 0, [], set()),
        (1, 0, [QUEUED], set()),
        (0, 9, [QUEUED], {Step.BAKE}),
        (1, 0, [QUEUED, open_job(JobState.BAKING, bake_lease_until=NOW + 60)], {Step.BAKE}),
        (0, 5, [RENDERING], set()),
        (9, 4, [RENDERING], FRAMES),
        (0, 5, [RENDERING, FINISHING], FRAMES),
        (0, 6, [RENDERING, FINISHING], set()),
        (0, 0, [QUEUED, FINISHING], {Step.BAKE} | FRAMES),
        (0, 0, [open_job(JobState.HELD)], set()),
    ],
)
def test_fewer_messages_than_tasks(bake: int, frames: int, jobs: list[OpenJob], lacking: set[Step]) -> None:
    assert Messages(bake=bake, frames=frames).lacking(jobs) == lacking


def test_a_sighting_survives_the_table() -> None:
    sighting = Sighting(mark="m", since=1, times=2, sent_at=3)
    job = a_job(sweep=sighting.to_map())
    assert Sighting.from_map(Job.from_item(job.to_item()).sweep) == sighting
    assert Sighting.from_map({}) == Sighting()
