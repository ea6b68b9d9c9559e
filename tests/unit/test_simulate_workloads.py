"""The suite is what it says, and the same for the same seed."""

from __future__ import annotations

from statistics import median

import pytest

from farm.simulate.model import SimulatedJob, Workload
from farm.simulate.variants import every_variant
from farm.simulate.workloads import day_of_jobs, suite

SUITE = {workload.name: workload for workload in suite(1)}


def only_job(name: str) -> SimulatedJob:
    (job,) = SUITE[name].jobs
    return job


def test_the_suite_is_the_issues() -> None:
    assert list(SUITE) == [
        "one long frame",
        "100 x 10 s",
        "100 x 60 s",
        "bake 20 min then 100 x 60 s",
        "30 x 600 s",
        "5000 x 20 s",
        "a day of 40 mixed jobs",
        "heavy tail",
        "unknown frame times",
        "Spot storm",
    ]


def test_a_seed_makes_the_same_suite_and_another_seed_another() -> None:
    assert suite(1) == suite(1)
    assert all(a != b for a, b in zip(suite(1), suite(2), strict=True) if a.name != "one long frame")


def test_the_maximum_is_the_farms() -> None:
    assert {workload.max_workers for workload in suite(1, max_workers=7)} == {7}


@pytest.mark.parametrize(
    ("name", "frames", "seconds", "bake"),
    [
        ("one long frame", 1, 3600, 20),
        ("100 x 10 s", 100, 10, 10),
        ("100 x 60 s", 100, 60, 10),
        ("bake 20 min then 100 x 60 s", 100, 60, 1200),
        ("30 x 600 s", 30, 600, 10),
        ("5000 x 20 s", 5000, 20, 10),
        ("Spot storm", 400, 60, 10),
    ],
)
def test_like_frames_are_nearly_alike(name: str, frames: int, seconds: float, bake: float) -> None:
    job = only_job(name)
    assert (len(job.frame_seconds), job.bake_seconds, job.arrives) == (frames, bake, 0)
    assert all(0.975 * seconds <= frame <= 1.025 * seconds for frame in job.frame_seconds)
    assert sum(job.frame_seconds) == pytest.approx(frames * seconds)
    assert frames == 1 or len(set(job.frame_seconds)) > frames / 2


def test_a_heavy_tail_has_few_long_frames_that_are_much_of_the_work() -> None:
    frames = sorted(only_job("heavy tail").frame_seconds)
    assert len(frames) == 200
    assert median(frames) == pytest.approx(30, rel=0.025)
    assert frames[-1] <= 3600
    assert sum(frames) / 200 == pytest.approx(61, rel=0.15)
    assert sum(frames[-20:]) > sum(frames) / 3
    assert frames != list(only_job("heavy tail").frame_seconds), "long ones come anywhere"


def test_frames_that_fly_into_smoke_take_ever_longer() -> None:
    frames = only_job("unknown frame times").frame_seconds
    assert len(frames) == 120
    assert frames[0] == pytest.approx(5, rel=0.025)
    assert frames[-1] == pytest.approx(150, rel=0.025)
    assert sum(frames[:30]) < sum(frames) / 10


def test_spot_takes_half_the_fleet_twice_and_once_more_later() -> None:
    losses = SUITE["Spot storm"].spot_losses
    assert [loss.share for loss in losses] == [0.5, 0.5, 0.5]
    assert losses[1].at - losses[0].at == 180
    assert losses[2].at > losses[1].at + 300
    assert not any(workload.spot_losses for name, workload in SUITE.items() if name != "Spot storm")


@pytest.mark.parametrize("count", [40, 1000])
def test_a_day_has_small_and_large_jobs_and_more_of_them_by_day(count: int) -> None:
    day: Workload = day_of_jobs(count, 1)
    arrivals = [job.arrives for job in day.jobs]
    assert len(day.jobs) == count
    assert arrivals == sorted(arrivals) and arrivals[0] == 0 and arrivals[-1] < 24 * 3600
    for job in day.jobs:
        assert 1 <= len(job.frame_seconds) <= 600
        assert 5 <= job.bake_seconds <= 900
        assert max(job.frame_seconds) <= 1.5 * min(job.frame_seconds)
        assert min(job.frame_seconds) >= 2 * 0.8 and max(job.frame_seconds) <= 300 * 1.2
    assert min(len(job.frame_seconds) for job in day.jobs) < 10
    assert max(len(job.frame_seconds) for job in day.jobs) > 300
    middle = arrivals[len(arrivals) // 4], arrivals[3 * len(arrivals) // 4]
    assert middle[1] - middle[0] < 10 * 3600, "half of the jobs come within less than half of the day"


def test_the_variants_are_all_combinations_of_the_doubts() -> None:
    variants = every_variant()
    assert len(variants) == len(set(variants)) == 2 * 2 * 3 * 2 * 2 * 2 * 2
    assert {variant.high_periods for variant in variants} == {1, 3, 5}
    assert {variant.low_periods for variant in variants} == {9, 15}
