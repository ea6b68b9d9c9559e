"""What an earlier job tells of what the next one takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.job import Job, Progress
from contract.options import JobOptions
from farm.estimate import history


def options(**values: Any) -> JobOptions:
    return JobOptions(**values)


@pytest.mark.parametrize(
    ("former", "asked", "why"),
    [
        ({}, {}, ""),
        ({"samples": 8}, {"samples": 16}, ""),
        ({}, {"samples": 16}, "nobody knows what its samples"),
        ({"samples": 16}, {}, "nobody knows what its samples"),
        ({"camera": "A"}, {}, "its camera was A"),
        ({}, {"engine": "EEVEE"}, "its engine was the one of the file"),
        ({"frames": "1-4"}, {}, "own range"),
        ({"frames": "1-4"}, {"frames": "1-100"}, ""),
        ({"start_frame": 2}, {"start_frame": 1}, "own range"),
        ({"start_frame": 2}, {"start_frame": 1, "end_frame": 4}, ""),
        ({"priority": "high"}, {}, ""),
    ],
)
def test_which_earlier_job_says_something(former: dict[str, Any], asked: dict[str, Any], why: str) -> None:
    found = history.unfit(options(**former), options(**asked), "1-8")
    assert why in found
    assert bool(why) == bool(found)


JOB = Job(
    job_id="film-1",
    project="film",
    name="film.blend",
    bucket="b",
    source_key="film/film.blend",
    source_version="1",
    source_bytes=1,
    created_at="2026-01-01T00:00:00.000Z",
    frames="1-9x2",
    frame_count=5,
    worker_seconds=1800,
    microdollars=100_000,
)


@pytest.mark.parametrize(
    ("former", "asked", "frames", "low", "high"),
    [
        ({}, {}, 5, 9, 11),
        ({}, {"frames": "1-20"}, 20, 9, 11),
        ({}, {"start_frame": 3}, 7, 9, 11),
        ({"samples": 8}, {"samples": 32}, 5, 9, 44),
        ({"samples": 32}, {"samples": 8}, 5, 2.25, 11),
        ({"resolution_percentage": 50}, {"resolution_percentage": 100}, 5, 9, 44),
    ],
)
def test_what_an_earlier_job_says(
    former: dict[str, Any], asked: dict[str, Any], frames: int, low: float, high: float
) -> None:
    job = replace(JOB, options=former)
    done = history.Former(job=job, progress=Progress(total=5, done=5, seconds=50.0), seconds=[10.0] * 5)
    basis = history.basis_of(done, options(**asked))
    assert basis.frames == frames
    assert (basis.frame_seconds.low, basis.frame_seconds.high) == pytest.approx((low, high))
    assert basis.hour_dollars == pytest.approx(0.2)
    assert "film-1" in basis.words[0]


def test_frames_that_differ_leave_more_open() -> None:
    alike, unlike = history.mean_span(10, [10, 10, 10, 10]), history.mean_span(10, [1, 25, 2, 12])
    assert unlike.low < alike.low < 10 < alike.high < unlike.high
