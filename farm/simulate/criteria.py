"""What our policy must show, and whether an outcome does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean
from typing import Final

from contract.scaling import MEASURE_PERIOD_SECONDS
from farm.simulate.measures import Measures
from farm.simulate.model import Outcome, SimulatedJob

ZERO_WITHIN_SECONDS: Final = 300
CLAIRVOYANT_RATIO: Final = 1.15
_ROUNDING: Final = 1e-9
"""Sums of floats may miss what they are in truth by less than that."""
WORTHWHILE_SECONDS: Final = 600
"""Work for each machine launched, from which on its boot should hardly count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    name: str
    value: float
    at_most: float

    @property
    def met(self) -> bool:
        return self.value <= self.at_most + _ROUNDING


def criteria(outcome: Outcome, measures: Measures, *, latency_seconds: float) -> tuple[Criterion, ...]:
    """Those that apply to this outcome; a value that never came about is infinite."""
    found = [
        Criterion(name="overshoot", value=measures.most_desired, at_most=measures.most_needed),
        Criterion(name="momentary overshoot", value=_momentary_overshoot(outcome), at_most=0),
        Criterion(name="busy machines ended", value=measures.busy_machines_ended, at_most=0),
        Criterion(name="jobs never ended", value=measures.jobs_never_ended, at_most=0),
        Criterion(
            name="seconds to zero", value=_or_never(measures.seconds_to_zero), at_most=ZERO_WITHIN_SECONDS
        ),
    ]
    jobs = list(_job_makespans(outcome, latency_seconds))
    if jobs:
        found.append(_mean_makespan(jobs))
    if measures.work_seconds_per_launch >= WORTHWHILE_SECONDS:
        ratio = _or_never(measures.cost_over_clairvoyant)
        found.append(Criterion(name="cost ÷ clairvoyant", value=ratio, at_most=CLAIRVOYANT_RATIO))
    return tuple(found)


def start_by_step_seconds(outcome: Outcome) -> float:
    """At most, from a job's arrival at an empty farm until its first machine works.

    A measure's period, the step policy's alarm (it waits for one datapoint), and the machine.
    """
    detection = MEASURE_PERIOD_SECONDS + outcome.behaviour.step_alarm_seconds
    return detection + outcome.machines.start_seconds


def start_by_tracking_seconds(outcome: Outcome) -> float:
    """The same for machines that tracking adds: its alarm wants so many periods in a row above the target."""
    behaviour = outcome.behaviour
    detection = behaviour.high_periods * MEASURE_PERIOD_SECONDS + behaviour.alarm_phase_seconds
    return detection + outcome.machines.start_seconds


def _mean_makespan(jobs: Sequence[tuple[float, float]]) -> Criterion:
    """Over the jobs that the maximum allows: one of several may wait behind another's frames."""
    return Criterion(
        name="makespan",
        value=fmean(makespan for makespan, _ in jobs),
        at_most=fmean(limit for _, limit in jobs),
    )


def _job_makespans(outcome: Outcome, latency_seconds: float) -> Iterator[tuple[float, float]]:
    """And the limit, of each job that the maximum allows: with those beside it, it fits into the latency.

    The step policy brings the machine that bakes, and it or tracking those for the frames: one start each.
    """
    starts = start_by_step_seconds(outcome) + start_by_tracking_seconds(outcome)
    jobs = outcome.workload.jobs
    lives = [
        (job.arrives, end if end is not None else inf)
        for job, end in zip(jobs, outcome.job_ends, strict=True)
    ]
    for job, (arrived, ended) in zip(jobs, lives, strict=True):
        limit = latency_seconds + starts + job.bake_seconds + max(job.frame_seconds)
        until = min(ended, arrived + limit)
        beside = (other for other, (at, end) in zip(jobs, lives, strict=True) if at < until and end > arrived)
        most = latency_seconds * outcome.workload.max_workers
        if _rendering_seconds(beside) <= most * (1 + _ROUNDING):
            yield ended - arrived, limit


def _rendering_seconds(jobs: Iterator[SimulatedJob]) -> float:
    return sum(sum(job.frame_seconds) for job in jobs)


def _momentary_overshoot(outcome: Outcome) -> int:
    """Machines, at most, above what was needed since the farm last slept or will be once a new one works."""
    samples, worst, woke, ahead = outcome.samples, 0, 0, 0
    for number, sample in enumerate(samples):
        while ahead < len(samples) and samples[ahead].at <= sample.at + outcome.machines.start_seconds:
            ahead += 1
        if not sample.desired and not sample.tasks:
            woke = number
        needed = max(other.needed for other in samples[woke:ahead])
        worst = max(worst, sample.desired - needed)
    return worst


def _or_never(value: float | None) -> float:
    return inf if value is None else value
