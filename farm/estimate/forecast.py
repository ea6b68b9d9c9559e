"""From the seconds of a frame to the hours and dollars of a job, by the farm's own arithmetic of scaling."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from contract.frame_time import JobFrames
from contract.scaling import ScalingLimits, in_whole_waves, workers_in_time
from farm.estimate.span import Span

_MANY: Final = 10_000
"""Frames that are taken as timed: the farm is sure of what they take soon after it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """What the farm may have, and what it costs."""

    limits: ScalingLimits
    start_seconds: float
    """From a machine's launch until it works."""
    idle_seconds: float
    """That a machine stays, and is paid for, when it finds nothing to do."""
    hour_dollars: Span | None
    """Of one machine; None: nobody knows."""
    workers: int = 0
    """As a person says; 0: as many as the farm will start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    frames: int
    frame_seconds: Span
    workers: int
    machine_seconds: Span
    """Of all machines together, with their starting and opening of the file."""
    seconds: Span
    """From the upload until the last frame is done, the farm being otherwise empty."""
    dollars: Span | None

    def to_map(self) -> dict[str, Any]:
        return {
            "frames": self.frames,
            "seconds_per_frame": self.frame_seconds.to_map(),
            "workers": self.workers,
            "machine_seconds": self.machine_seconds.to_map(),
            "seconds": self.seconds.to_map(),
            "dollars": self.dollars.to_map() if self.dollars else None,
        }


def forecast(frames: int, frame: Span, *, open_seconds: float, plan: FleetPlan) -> Forecast:
    """The time and the dollars of so many frames; each worker opens the file once.

    A fleet fit for quick frames is smaller than one for slow ones, so the slowest need not take the
    longest: the range holds all three.
    """
    low, likely, high = (
        _course(frames, of, open_seconds, plan) for of in (frame.low, frame.likely, frame.high)
    )
    # the second machine starts only when the first has shown how long its frames take
    late = plan.start_seconds + frame.high if likely.workers > 1 else 0.0
    seconds = Span.around(likely.seconds, (low.seconds, high.seconds, high.seconds + late))
    machine = Span.around(likely.machine_seconds, (low.machine_seconds, high.machine_seconds))
    return Forecast(
        frames=frames,
        frame_seconds=frame,
        workers=likely.workers,
        machine_seconds=machine,
        seconds=seconds,
        dollars=_dollars(machine, plan.hour_dollars),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    workers: int
    seconds: float
    machine_seconds: float


def _course(frames: int, frame_seconds: float, open_seconds: float, plan: FleetPlan) -> _Course:
    workers = min(plan.workers, frames) or fleet_size(frames, frame_seconds, plan.limits)
    before = plan.start_seconds + open_seconds
    return _Course(
        workers=workers,
        seconds=before + ceil(frames / workers) * frame_seconds,
        machine_seconds=frames * frame_seconds + workers * (before + plan.idle_seconds),
    )


def fleet_size(frames: int, frame_seconds: float, limits: ScalingLimits) -> int:
    """Workers that the farm starts for these frames alone, once it knows how long they take."""
    job = JobFrames(frames_left=frames, frames_timed=_MANY, timed_seconds=_MANY * frame_seconds)
    enough = workers_in_time(frames, [job], limits)
    return in_whole_waves(min(enough, frames, limits.max_workers), frames)


def _dollars(machine_seconds: Span, hour: Span | None) -> Span | None:
    if hour is None:
        return None
    hours = machine_seconds.times(1 / 3600)
    return hours.times(hour.low, hour.likely, hour.high)
