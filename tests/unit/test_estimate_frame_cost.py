"""What a frame takes, estimated from small pictures of some frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from farm.estimate.frame_cost import (
    FrameCost,
    FrameTimer,
    Setting,
    Timed,
    Whole,
    percents,
    solve,
    spread_over,
)


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
