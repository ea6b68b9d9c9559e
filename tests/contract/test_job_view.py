"""What a person is told of a job."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from contract.job import Job, JobState, Progress
from contract.job_view import STATE_WORDS, JobView, seconds_between, state_words, worker_words
from contract.worker_record import NO_FRAME, Doing, WorkerRecord
from tests.support.jobs import a_job

BAKING = {"kind": "cloth", "object": "Sheet", "frame": 12, "last_frame": 250}
RENDERING = JobState.RENDERING


def a_worker(worker_id: str = "w", job_id: str = "a", **attributes: Any) -> WorkerRecord:
    made: dict[str, Any] = {"doing": Doing.RENDER, "since": 100, "seen_at": 100, **attributes}
    return WorkerRecord(worker_id=worker_id, job_id=job_id, **made)


def view(job: Job, progress: Progress | None = None, *workers: WorkerRecord) -> JobView:
    return JobView.of(job, progress or Progress(), workers)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        *(({"state": state}, STATE_WORDS[state]) for state in JobState),
        ({"waiting_for": "AWS has no Spot machine"}, "waiting for a worker: AWS has no Spot machine"),
        ({"state": JobState.HELD, "reason": "it is spent"}, "held by the budget: it is spent"),
        ({"state": JobState.FAILED, "reason": "it is empty"}, "failed"),
        (
            {"state": JobState.BAKING, "bake_progress": BAKING},
            "baking cloth of Sheet: frame 12 of 250",
        ),
        ({"state": RENDERING, "bake_progress": BAKING}, "rendering"),
    ],
)
def test_a_state_in_words(attributes: dict[str, Any], words: str) -> None:
    assert state_words(a_job(**attributes)) == words


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"frame": 7}, "frame 7"),
        ({"frame": 0}, "frame 0"),
        ({"frame": NO_FRAME}, "opening the scene"),
        ({"doing": Doing.BAKE}, "inspecting and baking"),
        ({"doing": Doing.FINISH}, "making the preview"),
        ({"doing": Doing.IDLE}, "idle"),
    ],
)
def test_what_a_worker_does_in_words(attributes: dict[str, Any], words: str) -> None:
    assert worker_words(a_worker(**attributes)) == words


def test_nothing_is_known_of_a_job_that_waits() -> None:
    seen = view(a_job())
    assert (seen.frames, seen.frames_done, seen.fraction) == (0, 0, 0.0)
    assert (seen.seconds_per_frame, seen.frames_per_minute, seen.seconds_left) == (None, None, None)
    assert (seen.workers, seen.dollars, seen.priority) == ((), 0.0, "normal")


@pytest.mark.parametrize(
    ("workers", "per_minute", "left"),
    [
        ([], None, None),
        ([a_worker(recent_seconds=(10.0, 14.0))], 5.0, 1200.0),
        ([a_worker(recent_seconds=(30.0, 42.0), sessions=3)], 5.0, 1200.0),
        ([a_worker(recent_seconds=(12.0,)), a_worker("v", recent_seconds=(6.0,))], 15.0, 400.0),
        ([a_worker()], 3.0, 2000.0),  # it has done none yet: as quick as the job's frames usually are
        (
            [a_worker(recent_seconds=(12.0,)), a_worker("v", job_id="other", recent_seconds=(1.0,))],
            5.0,
            1200.0,
        ),
        ([a_worker(recent_seconds=(0.0,))], None, None),
    ],
)
def test_the_time_that_is_left_with_these_workers(
    workers: list[WorkerRecord], per_minute: float | None, left: float | None
) -> None:
    seen = view(a_job(state=RENDERING), Progress(total=110, done=7, failed=3, seconds=140.0), *workers)
    assert seen.seconds_per_frame == 20.0
    assert seen.frames_per_minute == (None if per_minute is None else pytest.approx(per_minute))
    assert seen.seconds_left == (None if left is None else pytest.approx(left))


@pytest.mark.parametrize("state", [state for state in JobState if state is not RENDERING])
def test_frames_come_only_while_a_job_renders(state: JobState) -> None:
    seen = view(a_job(state=state), Progress(total=4, done=1, seconds=2.0), a_worker(recent_seconds=(2.0,)))
    assert (seen.frames_per_minute, seen.seconds_left) == (None, None)
    assert seen.workers == (() if state.ended else ("w",))


def test_a_job_whose_frames_have_all_ended_has_no_time_left() -> None:
    seen = view(a_job(state=RENDERING), Progress(total=4, done=4, seconds=8.0), a_worker())
    assert (seen.seconds_left, seen.fraction) == (0.0, 1.0)


def test_failed_frames_are_ended_ones() -> None:
    seen = view(a_job(state=RENDERING), Progress(total=8, done=4, failed=2))
    assert (seen.fraction, seen.frames, seen.frames_done, seen.frames_failed) == (0.75, 8, 4, 2)


def test_frames_that_no_counter_knows_yet_are_those_of_the_record() -> None:
    assert view(a_job(state=RENDERING, frame_count=12)).frames == 12


def test_workers_are_those_of_the_job_by_their_ids() -> None:
    workers = [a_worker("b"), a_worker("a"), a_worker("c", job_id="other"), a_worker("d", job_id="")]
    assert view(a_job(state=JobState.BAKING), Progress(), *workers).workers == ("a", "b")


def test_what_it_costs_and_what_was_asked_for() -> None:
    job = a_job(state=JobState.HELD, reason="the budget", worker_seconds=90, microdollars=1_250_000)
    seen = JobView.of(Job(**{**_attributes(job), "options": {"priority": "high"}}), Progress(), [])
    assert (seen.worker_seconds, seen.dollars, seen.priority, seen.reason) == (90, 1.25, "high", "the budget")


def test_the_map_is_json_with_every_number() -> None:
    seen = view(a_job(state=RENDERING), Progress(total=2, done=1, seconds=3.0), a_worker())
    loaded = json.loads(json.dumps(seen.to_map()))
    assert set(loaded) == {field.name for field in fields(JobView)}
    assert (loaded["state"], loaded["workers"], loaded["seconds_left"]) == ("RENDERING", ["w"], 3.0)


@pytest.mark.parametrize(
    ("earlier", "later", "seconds"),
    [
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:01:30.500Z", 90.5),
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", 0.0),
        ("2025-12-31T23:59:59.000Z", "2026-01-01T00:00:00.000Z", 1.0),
    ],
)
def test_seconds_between_two_timestamps(earlier: str, later: str, seconds: float) -> None:
    assert seconds_between(earlier, later) == seconds
    with pytest.raises(ValueError):
        seconds_between(earlier, "")


def _attributes(job: Job) -> dict[str, Any]:
    return {field.name: getattr(job, field.name) for field in fields(Job)}
