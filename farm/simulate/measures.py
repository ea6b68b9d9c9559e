"""The numbers of one outcome. A number is None where there is none, as a makespan of what never ended."""

from __future__ import annotations

from dataclasses import dataclass

from farm.simulate.bounds import Bounds, Clairvoyant, ConstantFleet, cost_dollars, makespan_seconds
from farm.simulate.elasticity import Elasticity, elasticity
from farm.simulate.model import MachineLife, Outcome

_OWN_DOING = ("itself", "scale-in")
"""Ends of a machine that the farm decides; the others are Spot's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    most_desired: int
    most_needed: int
    launches: int
    cost_dollars: float
    cost_over_bound: float
    makespan_seconds: float | None
    makespan_over_bound: float | None
    clairvoyant: ConstantFleet | None
    cost_over_clairvoyant: float | None
    cost_times_makespan: float | None
    """Dollar-seconds: policies that buy speed are compared with those that save."""
    work_seconds_per_launch: float
    jobs_never_ended: int
    busy_machines_ended: int
    """By scale-in or by themselves: rendering thrown away for nothing."""
    lost_seconds: float
    idle_seconds: float
    """In service and without a task."""
    seconds_to_zero: float | None
    """From the end of the last frame to that of the last machine; None: one was there to the end."""
    elasticity: Elasticity

    @property
    def launches_over_needed(self) -> float:
        return self.launches / max(1, self.most_needed)


def measure(outcome: Outcome, bounds: Bounds, clairvoyant: Clairvoyant) -> Measures:
    cost, makespan = cost_dollars(outcome), makespan_seconds(outcome)
    ends = [end for end in outcome.job_ends if end is not None]
    never_ended = len(outcome.job_ends) - len(ends)
    last_frame = None if never_ended else max(ends)
    fleet = None if last_frame is None else clairvoyant.cheapest(last_frame)
    work = sum(job.work_seconds for job in outcome.workload.jobs)
    return Measures(
        most_desired=max((sample.desired for sample in outcome.samples), default=0),
        most_needed=max((sample.needed for sample in outcome.samples), default=0),
        launches=len(outcome.lives),
        cost_dollars=cost,
        cost_over_bound=cost / bounds.dollars,
        makespan_seconds=makespan,
        makespan_over_bound=None if makespan is None else makespan / bounds.makespan_seconds,
        clairvoyant=fleet,
        cost_over_clairvoyant=None if fleet is None else cost / fleet.dollars,
        cost_times_makespan=None if makespan is None else cost * makespan,
        work_seconds_per_launch=work / max(1, len(outcome.lives)),
        jobs_never_ended=never_ended,
        busy_machines_ended=sum(life.was_busy and life.ended_by in _OWN_DOING for life in outcome.lives),
        lost_seconds=outcome.lost_seconds,
        idle_seconds=sum(_idle_seconds(life) for life in outcome.lives),
        seconds_to_zero=_seconds_to_zero(outcome, last_frame),
        elasticity=elasticity(outcome),
    )


def _idle_seconds(life: MachineLife) -> float:
    return 0.0 if life.in_service is None else life.ended - life.in_service - life.busy_seconds


def _seconds_to_zero(outcome: Outcome, last_frame: float | None) -> float | None:
    if last_frame is None or any(life.ended_by == "end" for life in outcome.lives):
        return None
    return max(0.0, max((life.ended for life in outcome.lives), default=0.0) - last_frame)
