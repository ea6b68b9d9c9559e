"""What a frame's time is made of, found by rendering it small: a fixed part, one for each pixel, one for each
sample of each pixel.

The fixed part (moving to the frame, syncing the scene, building its tree of triangles) is as long for a
stamp as for a poster; so one small render alone says nothing of a large one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

SMALLEST_SHARE: Final = 8
"""The first try has an eighth of the frame's width and height."""
FEWEST_PIXELS: Final = 1_000
"""Below it, starting the threads is all that is timed."""
SAMPLES_SHARE: Final = 64
MOST_FIRST_SAMPLES: Final = 16
"""However many the frame has: the first try is to be a quick one."""
STEP: Final = 4
"""By so much more is rendered at each further try: samples, or pixels."""
MEASURABLE_SECONDS: Final = 0.4
MEASURABLE_SHARE: Final = 0.1
"""A try tells what samples (or pixels) cost once it takes longer than the first by these: less is noise."""
CHEAP_SECONDS: Final = 4.0
"""A frame that takes no longer is rendered as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How large and how fine a try is."""

    percent: int
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A try at a frame."""

    pixels: int
    samples: int
    seconds: float

    @property
    def work(self) -> int:
        return self.pixels * self.samples


Render = Callable[[Setting], Timed]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCost:
    fixed_seconds: float
    pixel_seconds: float
    sample_seconds: float
    """For one sample of one pixel."""

    def seconds(self, *, pixels: int, samples: int, time_limit_seconds: float = 0.0) -> float:
        """With a time limit (0: none) Cycles stops sampling there, however much it has."""
        sampling = self.sample_seconds * pixels * samples
        if time_limit_seconds > 0:
            sampling = min(sampling, time_limit_seconds)
        return self.fixed_seconds + self.pixel_seconds * pixels + sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The frame as it will be rendered."""

    percent: int
    pixels: int
    samples: int
    time_limit_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTime:
    seconds: float
    whole: bool
    """Rendered as it is: nothing was scaled."""


class FrameTimer:
    """Times frames of one scene; the settings that tell something with the first it keeps for the rest."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._percents = percents(whole)
        self._base = Setting(
            percent=self._percents[0],
            samples=max(1, min(MOST_FIRST_SAMPLES, whole.samples // SAMPLES_SHARE)),
        )
        self._finer: list[int] = []
        self._larger: list[int] = []

    def time(self, render: Render) -> FrameTime:
        """Seconds of a frame at its full size and quality."""
        whole = self._whole
        base = render(self._base)
        if whole.time_limit_seconds == 0 and _at_most(base, whole) <= CHEAP_SECONDS:
            found = render(Setting(percent=whole.percent, samples=whole.samples))
            return FrameTime(seconds=found.seconds, whole=True)
        finer = self._grow(
            base,
            self._finer or steps(self._base.samples, whole.samples),
            lambda samples: render(Setting(percent=self._base.percent, samples=samples)),
        )
        larger = self._grow(
            base,
            self._larger or self._percents[1:],
            lambda percent: render(Setting(percent=percent, samples=self._base.samples)),
        )
        self._finer = [finer[0]] if finer[0] else []
        self._larger = [larger[0]] if larger[0] else []
        cost = solve(base, finer[1], larger[1])
        seconds = cost.seconds(
            pixels=whole.pixels, samples=whole.samples, time_limit_seconds=whole.time_limit_seconds
        )
        return FrameTime(seconds=seconds, whole=False)

    @staticmethod
    def _grow(base: Timed, values: Sequence[int], render: Callable[[int], Timed]) -> tuple[int, Timed]:
        """The first of the values that takes measurably longer, or the last."""
        value, found = 0, base
        for value in values:
            found = render(value)
            if found.seconds - base.seconds >= max(MEASURABLE_SECONDS, MEASURABLE_SHARE * base.seconds):
                break
        return value, found


def percents(whole: Whole) -> list[int]:
    """Sizes to try, each of more pixels, the frame's own last."""
    sizes = [whole.percent]
    share = 2
    while share <= SMALLEST_SHARE and whole.percent // share >= 1:
        if whole.pixels // share**2 < FEWEST_PIXELS:
            break
        sizes.insert(0, whole.percent // share)
        share *= 2
    return sizes


def steps(first: int, last: int) -> list[int]:
    """Ever larger numbers after the first, up to the last."""
    found = []
    while first < last:
        first = min(last, first * STEP)
        found.append(first)
    return found


def solve(base: Timed, finer: Timed, larger: Timed) -> FrameCost:
    """From one frame at three settings: the same size with more samples, and larger with as many samples.

    Where nothing differs (the frame is no larger than the first try) there is nothing to tell apart.
    """
    per_sample = _slope(finer.seconds - base.seconds, finer.work - base.work)
    of_samples = per_sample * (larger.work - base.work)
    per_pixel = _slope(larger.seconds - base.seconds - of_samples, larger.pixels - base.pixels)
    fixed = base.seconds - per_pixel * base.pixels - per_sample * base.work
    return FrameCost(fixed_seconds=max(0.0, fixed), pixel_seconds=per_pixel, sample_seconds=per_sample)


def spread_over(frames: Sequence[int], count: int) -> list[int]:
    """Some of the frames, evenly over all of them: the middles of `count` equal stretches."""
    if len(frames) <= count:
        return list(frames)
    return [frames[(2 * part + 1) * len(frames) // (2 * count)] for part in range(count)]


def _at_most(base: Timed, whole: Whole) -> float:
    """The time of the whole frame, if all of the first try's were for its samples."""
    return base.seconds * whole.pixels * whole.samples / base.work


def _slope(seconds: float, amount: int) -> float:
    return max(0.0, seconds / amount) if amount > 0 else 0.0
