"""How an estimate is made: from small pictures of some frames, or an earlier job, to hours and dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from contract.job import Job, Progress
from contract.options import JobOptions
from contract.runtimes import RuntimeSpec
from contract.scaling import ScalingLimits
from farm.chosen_farm import FleetFacts
from farm.estimate import history, trial
from farm.estimate.fleet import plan_of, price_of, variables
from farm.estimate.forecast import FleetPlan, fleet_size, forecast
from farm.estimate.frame_cost import (
    FrameCost,
    FrameTime,
    FrameTimer,
    Setting,
    Timed,
    Whole,
    percents,
    solve,
    spread_over,
)
from farm.estimate.sampler import SceneFacts
from farm.estimate.span import Span
from farm.plain_errors import PlainError


class Renderer:
    """A machine whose frames cost just what it is told; it counts what it was asked."""

    def __init__(self, cost: FrameCost, pixels: int) -> None:
        self.cost, self.full = cost, pixels
        self.asked: list[Setting] = []
        self.seconds = 0.0

    def __call__(self, setting: Setting) -> Timed:
        self.asked.append(setting)
        pixels = self.full * setting.percent**2 // 100**2
        seconds = self.cost.seconds(pixels=pixels, samples=setting.samples)
        self.seconds += seconds
        return Timed(pixels=pixels, samples=setting.samples, seconds=seconds)


HD = Whole(percent=100, pixels=1920 * 1080, samples=512)


@pytest.mark.parametrize(
    "cost",
    [
        FrameCost(fixed_seconds=3, pixel_seconds=1e-6, sample_seconds=5e-8),
        FrameCost(fixed_seconds=0, pixel_seconds=0, sample_seconds=1e-6),
        FrameCost(fixed_seconds=20, pixel_seconds=2e-5, sample_seconds=1e-9),
        FrameCost(fixed_seconds=0.5, pixel_seconds=1e-5, sample_seconds=1e-7),
    ],
)
def test_small_pictures_tell_what_a_large_one_takes(cost: FrameCost) -> None:
    renderer = Renderer(cost, HD.pixels)
    timer = FrameTimer(HD)
    full = cost.seconds(pixels=HD.pixels, samples=HD.samples)
    first = timer.time(renderer)
    assert first.seconds == pytest.approx(full, rel=0.001)
    tries = len(renderer.asked)
    assert timer.time(renderer).seconds == pytest.approx(full, rel=0.001)
    assert len(renderer.asked) - tries <= 3  # the settings that told something are known
    assert renderer.seconds < full + 16 * (cost.fixed_seconds + 1)


def test_a_cheap_frame_is_rendered_as_it_is() -> None:
    small = Whole(percent=50, pixels=3_000, samples=4)
    renderer = Renderer(FrameCost(fixed_seconds=0.1, pixel_seconds=0, sample_seconds=1e-5), 12_000)
    found = FrameTimer(small).time(renderer)
    assert found.whole
    assert renderer.asked[-1] == Setting(percent=50, samples=4)


def test_a_time_limit_bounds_the_sampling_and_not_the_rest() -> None:
    limited = replace(HD, samples=1_000_000, time_limit_seconds=7.0)
    renderer = Renderer(FrameCost(fixed_seconds=2, pixel_seconds=0, sample_seconds=1e-7), HD.pixels)
    assert FrameTimer(limited).time(renderer).seconds == pytest.approx(9.0)


def test_noise_makes_no_negative_time() -> None:
    base, other = Timed(pixels=100, samples=1, seconds=2.0), Timed(pixels=100, samples=4, seconds=1.9)
    cost = solve(base, other, replace(base, pixels=400, seconds=1.5))
    assert cost == FrameCost(fixed_seconds=2.0, pixel_seconds=0.0, sample_seconds=0.0)


def test_a_size_is_not_tried_that_is_too_small_to_tell() -> None:
    assert percents(HD) == [12, 25, 50, 100]
    assert percents(Whole(percent=100, pixels=64 * 36, samples=1)) == [100]
    assert percents(Whole(percent=1, pixels=10**6, samples=1)) == [1]


@pytest.mark.parametrize(
    ("frames", "count", "tried"),
    [
        (range(1, 101), 3, [17, 51, 84]),
        (range(1, 101), 1, [51]),
        ([4, 8], 3, [4, 8]),
        ([7], 5, [7]),
        (range(10), 10, list(range(10))),
    ],
)
def test_frames_are_tried_all_over_the_range(frames: Sequence[int], count: int, tried: list[int]) -> None:
    assert spread_over(frames, count) == tried


LIMITS = ScalingLimits(
    acceptable_latency_seconds=300,
    worker_start_seconds=240,
    frame_queue_bpi=10,
    project_init_queue_bpi=1,
    max_workers=20,
)
PLAN = FleetPlan(limits=LIMITS, start_seconds=240, idle_seconds=20, hour_dollars=Span.exactly(0.36))


@pytest.mark.parametrize(
    ("frames", "seconds", "workers"),
    [(8, 2, 1), (100, 60, 20), (100, 6, 2), (3, 9_000, 3), (10_000, 60, 20), (1, 1, 1)],
)
def test_the_fleet_is_as_large_as_the_farm_would_make_it(frames: int, seconds: float, workers: int) -> None:
    assert fleet_size(frames, seconds, LIMITS) == workers


def test_time_and_dollars_of_a_job() -> None:
    found = forecast(100, Span(low=50, likely=60, high=80), open_seconds=10, plan=PLAN)
    assert found.workers == 20
    assert found.seconds.likely == 250 + 5 * 60
    assert found.seconds.low == 550  # for quicker frames the farm starts fewer machines
    assert found.seconds.high == 250 + 5 * 80 + 240 + 80  # the other machines start when one is known
    machine = 100 * 60 + 20 * 270
    assert found.machine_seconds.likely == machine
    assert found.dollars
    assert found.dollars.likely == pytest.approx(machine / 3600 * 0.36)
    assert found.dollars.low < found.dollars.likely < found.dollars.high


def test_workers_that_a_person_names_are_not_more_than_frames() -> None:
    found = forecast(3, Span.exactly(10), open_seconds=0, plan=replace(PLAN, workers=8, hour_dollars=None))
    assert (found.workers, found.seconds.likely, found.dollars) == (3, 250, None)


@pytest.mark.parametrize("workers", [0, 1])
def test_no_end_of_the_range_lies_within_it(workers: int) -> None:
    """With more seconds to a frame more machines come, and the job may be done sooner."""
    found = forecast(40, Span(low=7, likely=8, high=16), open_seconds=0, plan=replace(PLAN, workers=workers))
    for span in (found.seconds, found.machine_seconds):
        assert span.low <= span.likely <= span.high


CONFIG = variables()


@pytest.mark.parametrize(
    ("asked", "facts", "paid", "dollars", "words"),
    [
        (1.5, None, 0.2, (1.5, 1.5, 1.5), "--hour-dollars"),
        (0.0, FleetFacts(most_workers=1, start_seconds=5, hour_dollars=9), None, (0, 0, 0), "--hour-dollars"),
        (None, FleetFacts(most_workers=1, start_seconds=5, hour_dollars=0), None, None, "no price list"),
        (None, FleetFacts(most_workers=1, start_seconds=5, hour_dollars=2), None, (2, 2, 2), "LOCAL_HOUR"),
        (None, None, 0.1, (0.08, 0.1, 0.13), "former job"),
    ],
)
def test_where_the_price_is_from(
    asked: float | None, facts: FleetFacts | None, paid: float | None, dollars: Any, words: str
) -> None:
    span, said = price_of(CONFIG, facts, asked=asked, paid=paid)
    assert words in said
    assert (span and (span.low, span.likely, span.high)) == (dollars and pytest.approx(dollars))


def test_the_list_price_bounds_spot_and_is_all_of_on_demand() -> None:
    spot, _ = price_of(replace(CONFIG, on_demand_percentage=0), None, asked=None, paid=None)
    whole, said = price_of(replace(CONFIG, on_demand_percentage=100), None, asked=None, paid=None)
    assert spot
    assert whole
    assert whole.low == whole.high == pytest.approx(spot.high)
    assert spot.low < spot.likely < spot.high
    assert "Spot" not in said
    unknown, said = price_of(replace(CONFIG, instance_types=("trn1.2xlarge",)), None, asked=None, paid=None)
    assert unknown is None
    assert "--hour-dollars" in said


def test_a_farm_that_is_not_as_the_variables_say() -> None:
    plan = plan_of(CONFIG, FleetFacts(most_workers=2, start_seconds=5, hour_dollars=0), workers=0, price=None)
    assert (plan.limits.max_workers, plan.start_seconds) == (2, 5)
    assert plan_of(CONFIG, None, workers=0, price=None).limits.max_workers == CONFIG.worker_node_max_count


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


FACTS = SceneFacts(
    frame_start=1,
    frame_end=8,
    frame_step=1,
    engine="CYCLES",
    percent=100,
    pixels=1000,
    samples=64,
    adaptive=False,
    time_limit_seconds=0.0,
    open_seconds=2.0,
    blender_version="4.5.15",
    file_version="4.5.1",
    simulations=(),
)
SCALED = {1: FrameTime(seconds=10, whole=False), 4: FrameTime(seconds=10, whole=False)}


def test_a_quicker_worker_takes_less_but_for_a_time_limit() -> None:
    here = trial.basis_of(FACTS, 8, SCALED, 1).frame_seconds
    quick = trial.basis_of(FACTS, 8, SCALED, 2).frame_seconds
    assert quick == here.times(0.5)
    limited = replace(FACTS, time_limit_seconds=9.0)
    assert trial.basis_of(limited, 8, SCALED, 2).frame_seconds.likely == 10


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"adaptive": True}, "may stop before its 64 samples"),
        ({"simulations": ("Sheet",)}, "baking the physics (Sheet)"),
        ({"engine": "BLENDER_EEVEE"}, "graphics card"),
        ({"file_version": "5.2.3"}, "newer Blender, 5.2.3"),
        ({"time_limit_seconds": 3.0}, "time limit"),
    ],
)
def test_what_is_not_certain_is_said(facts: dict[str, Any], words: str) -> None:
    plain = trial.basis_of(FACTS, 8, SCALED, 1)
    found = trial.basis_of(replace(FACTS, **facts), 8, SCALED, 1)
    assert not any(words in each for each in plain.words)
    assert any(words in each for each in found.words)
    if "adaptive" in facts:
        assert found.frame_seconds.low < plain.frame_seconds.low


def test_the_blender_that_tries() -> None:
    here = (
        RuntimeSpec(version="4.5.15", path="/x/python"),
        RuntimeSpec(version="4.10.1", path="/x/blender"),
        RuntimeSpec(version="5.2.3", wheel_python="/x/python3.13"),
    )
    assert trial.choose_blender(here, None).version == "4.10.1"
    assert trial.choose_blender(here, "4.5").version == "4.5.15"
    with pytest.raises(PlainError, match=r"no Blender 4.1 on this computer.*4\.10\.1"):
        trial.choose_blender(here, "4.1")
