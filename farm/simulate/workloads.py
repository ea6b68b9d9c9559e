"""The workloads that every policy is measured on. A seed makes the same ones again."""

from __future__ import annotations

from math import exp, log
from random import Random
from statistics import NormalDist, fmean
from typing import Final

from farm.simulate.model import SimulatedJob, SpotLoss, Workload

_MAX_WORKERS: Final = 20
_SMALL_BAKE_SECONDS: Final = 10
_JITTER: Final = 0.02
"""Frames of like length are never quite alike, so a wave does not end in one second."""
_HOUR: Final = 3600.0
_BUSY_HOURS: Final = range(8, 19)
_BUSY_WEIGHT: Final = 4
"""Jobs in an hour of the working day, for each in an hour of the night."""


def suite(seed: int, *, max_workers: int = _MAX_WORKERS) -> tuple[Workload, ...]:
    """The ten workloads that the criteria are about, in the order of the table."""
    storm = (SpotLoss(at=900, share=0.5), SpotLoss(at=1080, share=0.5), SpotLoss(at=1800, share=0.5))
    of_one_job = [
        ("one long frame", 20, (_HOUR,), ()),
        ("100 x 10 s", _SMALL_BAKE_SECONDS, _alike(100, 10, seed), ()),
        ("100 x 60 s", _SMALL_BAKE_SECONDS, _alike(100, 60, seed), ()),
        ("bake 20 min then 100 x 60 s", 1200, _alike(100, 60, seed), ()),
        ("30 x 600 s", _SMALL_BAKE_SECONDS, _alike(30, 600, seed), ()),
        ("5000 x 20 s", _SMALL_BAKE_SECONDS, _alike(5000, 20, seed), ()),
        ("heavy tail", _SMALL_BAKE_SECONDS, _heavy_tail(seed), ()),
        ("unknown frame times", _SMALL_BAKE_SECONDS, _into_smoke(seed), ()),
        ("Spot storm", _SMALL_BAKE_SECONDS, _alike(400, 60, seed), storm),
    ]
    workloads = [
        Workload(
            name=name,
            jobs=(SimulatedJob(arrives=0, bake_seconds=bake, frame_seconds=frames),),
            max_workers=max_workers,
            spot_losses=losses,
        )
        for name, bake, frames, losses in of_one_job
    ]
    workloads.insert(6, day_of_jobs(40, seed, max_workers=max_workers))
    return tuple(workloads)


def day_of_jobs(count: int, seed: int, *, max_workers: int = _MAX_WORKERS) -> Workload:
    """A day of many users: small and large jobs that arrive over 24 hours, more of them by day.

    Each has 1 to 600 frames of 2 to 300 s and a bake of 5 s to 15 min, all log-uniform.
    """
    random = Random(f"{seed} day of {count}")
    weights = [_BUSY_WEIGHT if hour in _BUSY_HOURS else 1 for hour in range(24)]
    hours = random.choices(range(24), weights, k=count)
    arrivals = sorted((hour + random.random()) * _HOUR for hour in hours)
    return Workload(
        name=f"a day of {count} mixed jobs",
        jobs=tuple(_mixed_job(arrives - arrivals[0], random) for arrives in arrivals),
        max_workers=max_workers,
    )


def _mixed_job(arrives: float, random: Random) -> SimulatedJob:
    frames = round(_log_uniform(random, 1, 600))
    usual = _log_uniform(random, 2, 300)
    return SimulatedJob(
        arrives=arrives,
        bake_seconds=_log_uniform(random, 5, 900),
        frame_seconds=tuple(usual * random.uniform(0.8, 1.2) for _ in range(frames)),
    )


def _alike(count: int, seconds: float, seed: int) -> tuple[float, ...]:
    random = Random(f"{seed} {count} x {seconds}")
    return tuple(seconds * factor for factor in _jitter(count, random))


def _heavy_tail(seed: int) -> tuple[float, ...]:
    """Log-normal: most frames are short, a few are very long, so the mean is twice the median."""
    random, count = Random(f"{seed} heavy tail"), 200
    spread = NormalDist(log(30), 1.2)
    # one from each of as many equal slices of the distribution, so that the median is what it should be
    frames = [min(_HOUR, exp(spread.inv_cdf((i + random.uniform(0.01, 0.99)) / count))) for i in range(count)]
    random.shuffle(frames)
    return tuple(frames)


def _into_smoke(seed: int) -> tuple[float, ...]:
    """A camera flies into smoke: what was measured first misleads."""
    random = Random(f"{seed} into smoke")
    count, first, last = 120, 5, 150
    grown = [first + (last - first) * i / (count - 1) for i in range(count)]
    return tuple(seconds * factor for seconds, factor in zip(grown, _jitter(count, random), strict=True))


def _jitter(count: int, random: Random) -> list[float]:
    """Factors around 1 with a mean of 1: a workload has as much work as its name says."""
    factors = [random.uniform(1 - _JITTER, 1 + _JITTER) for _ in range(count)]
    mean = fmean(factors)
    return [factor / mean for factor in factors]


def _log_uniform(random: Random, low: float, high: float) -> float:
    return exp(random.uniform(log(low), log(high)))
