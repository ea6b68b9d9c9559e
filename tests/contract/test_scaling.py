"""How many workers the farm wants."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, isfinite

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract.frame_time import JobFrames
from contract.scaling import (
    SMALL_FLEET,
    ScalingLimits,
    in_whole_waves,
    workers_in_time,
)
from tests.support.backlogs import LIMITS, job, measured


@pytest.mark.parametrize(
    ("bakes", "frames", "capacity", "jobs", "wanted", "why"),
    [
        (0, 0, 0, [], 0, "nothing to do, nothing runs"),
        (0, 0, 5, [], 0, "the last frame is in: back to zero"),
        (1, 0, 0, [], 1, "the original started three machines for one bake"),
        (1, 0, 1, [], 1, "a bake in flight keeps its machine: the original scaled in during a bake"),
        (2, 0, 1, [], 2, "two films at once are baked at once"),
        (0, 1, 0, [], 1, "the original started two machines for one frame"),
        (0, 100, 1, [], 1, "nobody knows how long they take: one finds out"),
        (0, 300, 1, [JobFrames(frames_left=100)] * 3, 3, "a day's uploads wait in one line: one for each"),
        (0, 200, 1, [job(100, 60), JobFrames(frames_left=100)], 11, "the second may be shorter: one"),
        (0, 200, 1, [job(100, 6)] + [JobFrames(frames_left=20)] * 5, 6, "five like a short one: one each"),
        (0, 260, 1, [job(100, 60)] + [JobFrames(frames_left=40)] * 4, 20, "four are hardly all shorter"),
        (0, 200, 1, [job(100, 2), JobFrames(frames_left=100)], 2, "where the others are short, one"),
        (
            0,
            110,
            1,
            [job(10, 600), JobFrames(frames_left=100)],
            11,
            "a hundred unknown ones behind long ones",
        ),
        (0, 8, 1, [], 1, "so few that the one may find out alone"),
        (0, 100, 1, [job(100, 10)], 2, "the original started twenty for 100 frames of 10 s"),
        (0, 100, 1, [job(100, 60)], 10, "100 minutes of work, ten of them to wait: ten workers"),
        (0, 100, 1, [job(50, 60), job(50, 60)], 10, "two jobs of one kind are two"),
        (0, 5000, 1, [job(5000, 20)], 20, "never above the maximum"),
        (0, 30, 1, [job(30, 600)], 15, "two whole waves of 15, and not one of 20 and half of another"),
        (0, 106, 1, [job(6, 1200), job(100, 6)], 7, "six long ones want six, not a worker for each latency"),
        (0, 20, 1, [job(20, 180, running=4)], 4, "whole waves of the 16 that will be left, not of 20"),
        (0, 20, 15, [job(20, 600, 15, 400)], 15, "all fifteen end in time: the five that wait go to them"),
        (0, 20, 15, [job(20, 600, 15, 100)], 20, "none of the fifteen ends in time: the five want their own"),
        (0, 100, 1, [job(50, 60)], 6, "fifty more of a job that was not looked up: one finds out"),
        (0, 55, 1, [job(10, 600)] + [JobFrames(frames_left=15)] * 3, 14, "so few of each want two at most"),
        (0, 230, 1, [job(10, 600), job(100, 6)] + [JobFrames(frames_left=40)] * 3, 14, "like the shortest"),
        (0, 12, 5, [job(12, 3600)], 12, "an hour each: nothing is done sooner than that, and nobody waits"),
        (
            0,
            20,
            15,
            [job(20, 1200)],
            20,
            "five wait, and none of fifteen will be done before others have booted",
        ),
        (0, 8, 10, [job(8, 60)], 8, "eight of ten are busy with the last frames: only the idle ones go"),
        (0, 100, 5, [job(100, 60, running=5)], 8, "five do a fifth of it while the others boot"),
        (1, 100, 1, [job(100, 60)], 11, "a bake beside the frames of another film"),
        (0, 100, 10, [job(100, 1)], 10, "fewer would do, but whoever works goes on"),
        (
            0,
            40,
            10,
            [job(40, 60, running=10)],
            10,
            "what ten will have done before an eleventh has booted needs none",
        ),
        (0, 0, 1, [job(50, 60)], 0, "records without messages: the sweep sends them again, then it counts"),
    ],
)
def test_wanted_workers(
    bakes: int, frames: int, capacity: int, jobs: list[JobFrames], wanted: int, why: str
) -> None:
    assert measured(bakes, frames, capacity, *jobs).wanted_workers == wanted, why


@pytest.mark.parametrize(
    ("bakes", "bpi", "wanted"),
    [(1, 0.25, 1), (4, 1, 4), (4, 2, 2), (5, 2, 3)],
)
def test_bakes_that_may_wait_for_each_worker(bakes: int, bpi: float, wanted: int) -> None:
    """Never more workers than bakes: one bake is one worker's work."""
    limits = replace(LIMITS, project_init_queue_bpi=bpi)
    assert measured(bakes, limits=limits).wanted_workers == wanted


@pytest.mark.parametrize(
    ("frames", "capacity", "wanted", "grow_to", "why"),
    [
        (1, 0, 1, 1, "tracking cannot multiply nothing"),
        (100, 0, 10, 10, "frames that were timed before, as of a job that is tried again"),
        (100, 1, 10, 10, "one machine has baked; tracking would wait three minutes more"),
        (100, 10, 10, 0, "enough are there, whatever they are doing"),
        (1, 1, 1, 0, "enough are there"),
        (0, 0, 0, 0, "nothing to do"),
    ],
)
def test_a_small_fleet_grows_at_once(frames: int, capacity: int, wanted: int, grow_to: int, why: str) -> None:
    backlog = measured(0, frames, capacity, job(frames, 60))
    assert (backlog.wanted_workers, backlog.grow_to) == (wanted, grow_to), why


def test_tracking_leaves_to_the_step_policy_what_that_does() -> None:
    """Both act on one measure: tracking would multiply what the step policy has set a moment before."""
    backlog = measured(0, 100, 1, job(100, 60))
    assert backlog.grow_to == 10
    assert backlog.backlog_per_instance < LIMITS.acceptable_latency_seconds


@pytest.mark.parametrize(
    ("desired", "wanted", "grow_to"),
    [(0, 50, SMALL_FLEET), (19, 50, SMALL_FLEET), (20, 50, 0), (12, 15, 15), (12, 12, 0)],
)
def test_a_large_fleet_is_left_to_tracking(desired: int, wanted: int, grow_to: int) -> None:
    """Never both at once: the second would add what the first has added already."""
    backlog = measured(bakes=wanted, capacity=desired, limits=replace(LIMITS, max_workers=100))
    assert backlog.grow_to == grow_to
    tracks = backlog.backlog_per_instance > LIMITS.acceptable_latency_seconds
    assert tracks == (desired >= SMALL_FLEET and wanted > desired)


counts = st.integers(0, 100_000)
capacities = st.integers(0, 500)
running = st.integers(0, 50)
seconds = st.floats(0, 1.7e308)
limits = st.builds(
    ScalingLimits,
    acceptable_latency_seconds=st.floats(60, 86_400),
    worker_start_seconds=st.floats(1, 3600),
    frame_queue_bpi=st.floats(0.001, 100_000),
    project_init_queue_bpi=st.floats(0.001, 100_000),
    max_workers=st.integers(1, 1000),
)
jobs = st.lists(
    st.builds(
        JobFrames,
        frames_left=counts,
        frames_timed=counts,
        timed_seconds=seconds,
        running_seconds=st.lists(seconds, max_size=5).map(tuple),
        recent_seconds=st.lists(seconds, max_size=5).map(tuple),
    ),
    max_size=4,
)


@given(counts, counts, capacities, jobs, limits)
def test_it_is_finite_within_the_maximum_and_zero_only_without_work(
    bakes: int, frames: int, capacity: int, jobs: list[JobFrames], limits: ScalingLimits
) -> None:
    backlog = measured(bakes, frames, capacity, *jobs, limits=limits)
    assert isfinite(backlog.backlog_per_instance)
    assert isfinite(backlog.backlog_seconds)
    assert backlog.wanted_workers <= limits.max_workers
    assert (backlog.wanted_workers == 0) == (backlog.tasks == 0)
    assert (backlog.backlog_per_instance == 0) == (backlog.tasks == 0)


@given(counts, counts, capacities, jobs, limits)
def test_the_metric_lands_on_the_wanted_number(
    bakes: int, frames: int, capacity: int, jobs: list[JobFrames], limits: ScalingLimits
) -> None:
    backlog = measured(bakes, frames, capacity, *jobs, limits=limits)
    target = limits.acceptable_latency_seconds
    present = max(capacity, backlog.grow_to, 1)
    landed = ceil(present * backlog.backlog_per_instance / target)
    assert landed == (backlog.grow_to or backlog.wanted_workers)


@given(counts, capacities, st.integers(1, 500), jobs, limits)
def test_no_base_that_aws_may_use_overshoots(
    frames: int, capacity: int, base: int, jobs: list[JobFrames], limits: ScalingLimits
) -> None:
    backlog = measured(0, frames, capacity, *jobs, limits=limits)
    target = limits.acceptable_latency_seconds
    base = min(base, max(capacity, 1))
    assert ceil(base * backlog.backlog_per_instance / target) <= backlog.wanted_workers


def test_no_rounding_adds_a_worker_for_any_capacity_up_to_500() -> None:
    """Without the guard, one in 25 of these was a machine too many."""
    target = LIMITS.acceptable_latency_seconds
    roomy = replace(LIMITS, max_workers=500)
    for capacity in range(1, 501):
        for bakes in range(1, 501):
            backlog = measured(bakes, 0, capacity, limits=roomy)
            assert backlog.wanted_workers == bakes
            present = max(capacity, backlog.grow_to)
            landed = ceil(present * backlog.backlog_per_instance / target)
            assert landed == (backlog.grow_to or bakes), (capacity, bakes)


@given(counts, st.floats(0, 20_000), st.floats(0, 20_000), running, limits)
@example(125, 4196.0, 4195.252230391699, 0, replace(LIMITS, acceptable_latency_seconds=60))
def test_more_work_never_wants_fewer(
    frames: int, one: float, other: float, running: int, limits: ScalingLimits
) -> None:
    less, more = (
        workers_in_time(frames, [job(frames, taken, running)], limits) for taken in sorted((one, other))
    )
    assert less <= more


@given(st.floats(0, 20_000), counts, counts, running, limits)
def test_more_frames_never_want_fewer(
    taken: float, one: int, other: int, running: int, limits: ScalingLimits
) -> None:
    less, more = (
        workers_in_time(frames, [job(frames, taken, running)], limits) for frames in sorted((one, other))
    )
    assert less <= more


@given(st.integers(1, 1000), st.integers(1, 100_000))
def test_the_trim_costs_no_wave(workers: int, frames: int) -> None:
    trimmed = in_whole_waves(workers, frames)
    assert 1 <= trimmed <= workers
    assert ceil(frames / trimmed) == ceil(frames / workers)
