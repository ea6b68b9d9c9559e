"""What is measured of an outcome, and which criteria it meets: outcomes made by hand."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from farm.simulate.bounds import Clairvoyant, bounds
from farm.simulate.criteria import criteria
from farm.simulate.elasticity import Elasticity, elasticity
from farm.simulate.measures import Measures, measure
from farm.simulate.model import AwsBehaviour, Outcome
from tests.support.outcomes import job, life, outcome, sample, workload

LATENCY = 300


def measured(found: Outcome) -> Measures:
    return measure(found, bounds(found.workload, found.machines), Clairvoyant(found.workload, found.machines))


def judged(found: Outcome) -> dict[str, tuple[float, float, bool]]:
    names = criteria(found, measured(found), latency_seconds=LATENCY)
    return {one.name: (one.value, one.at_most, one.met) for one in names}


def missed(**fields: Any) -> set[str]:
    return {name for name, (_, _, met) in judged(outcome(**fields)).items() if not met}


def test_a_good_outcome_misses_nothing() -> None:
    assert missed() == set()


def test_its_numbers() -> None:
    """One machine from 40 to 560 s; its job takes 10 + 290 s, the last frame is done at 500 s."""
    its = measured(outcome())
    assert (its.most_desired, its.most_needed, its.launches, its.launches_over_needed) == (1, 1, 1, 1)
    assert its.cost_dollars == 520
    assert its.cost_over_bound == 520 / (160 + 300)
    assert (its.makespan_seconds, its.makespan_over_bound) == (500, 500 / (200 + 10 + 100))
    assert its.cost_times_makespan == 520 * 500
    assert its.clairvoyant is not None
    assert (its.clairvoyant.workers, its.clairvoyant.ends, its.clairvoyant.dollars) == (1, 500, 460)
    assert its.cost_over_clairvoyant == 520 / 460
    assert (its.idle_seconds, its.seconds_to_zero, its.work_seconds_per_launch) == (60, 60, 300)


def test_a_machine_that_never_worked_was_not_idle() -> None:
    lives = (life(), life(in_service=None, busy_seconds=0))
    assert measured(outcome(lives=lives)).idle_seconds == 60


def test_elasticity_is_how_many_were_too_few_or_too_many_and_how_often() -> None:
    samples = (
        sample(0, needed=5, in_service=1),
        sample(60, needed=2, in_service=2),
        sample(120, needed=0, in_service=3),
        sample(180, needed=1, in_service=3),
    )
    assert elasticity(outcome(samples=samples)) == Elasticity(
        too_few=1, too_few_share=0.25, too_many=1.25, too_many_share=0.5
    )


def test_more_machines_than_were_ever_needed_are_an_overshoot() -> None:
    assert missed(samples=(sample(60, desired=2),)) == {"overshoot", "momentary overshoot"}


def test_machines_long_before_they_are_needed_are_a_momentary_overshoot() -> None:
    needed_at_last = sample(1000, needed=3)
    assert missed(samples=(sample(60, desired=3), needed_at_last)) == {"momentary overshoot"}
    within_a_start = sample(60 + 200, needed=3)
    assert missed(samples=(sample(60, desired=3), within_a_start)) == set()


def test_what_was_needed_before_the_farm_slept_excuses_nothing() -> None:
    """Five were needed in the morning; in the evening two start for a job of one."""
    morning, asleep = sample(60, needed=5, desired=5), sample(3600, tasks=0, needed=0, desired=0)
    evening = sample(7200, needed=1, desired=2, tasks=1)
    assert missed(samples=(morning, asleep, evening)) == {"momentary overshoot"}
    still_awake = sample(3600, tasks=1)
    assert missed(samples=(morning, still_awake, evening)) == set()


@pytest.mark.parametrize("by", ["itself", "scale-in"])
def test_no_busy_machine_may_be_ended_but_by_spot(by: str) -> None:
    ended = life(ended_by=by, was_busy=True)
    assert missed(lives=(ended,)) == {"busy machines ended"}
    assert missed(lives=(replace(ended, ended_by="spot"),)) == set()


def test_the_last_machine_ends_within_five_minutes_of_the_last_frame() -> None:
    assert missed(lives=(life(ended=800),)) == set()
    assert missed(lives=(life(ended=801),)) == {"seconds to zero"}


def test_a_machine_that_is_there_at_the_end_of_the_simulation_never_ended() -> None:
    found = judged(outcome(lives=(life(ended=510, ended_by="end"),)))
    assert found["seconds to zero"] == (inf, 300, False)


def test_a_job_that_never_ends_misses_all_that_has_an_end() -> None:
    found = outcome(job_ends=(None,), lives=(life(ended=9000, ended_by="end"),))
    assert {name for name, (_, _, met) in judged(found).items() if not met} == {
        "jobs never ended",
        "makespan",
        "seconds to zero",
    }
    its = measured(found)
    assert (its.makespan_seconds, its.clairvoyant, its.cost_times_makespan) == (None, None, None)


@pytest.mark.parametrize(("high_periods", "starts"), [(1, 270 + 280), (3, 270 + 400), (5, 270 + 520)])
def test_the_makespan_may_hold_one_start_by_the_step_policy_and_one_by_tracking(
    high_periods: int, starts: float
) -> None:
    """A measure's period, the alarms' 10 and 20 s, 200 s of start; tracking waits for more periods."""
    behaviour = AwsBehaviour(high_periods=high_periods, alarm_phase_seconds=20, step_alarm_seconds=10)
    value, at_most, met = judged(outcome(behaviour=behaviour))["makespan"]
    assert (value, at_most, met) == (500, LATENCY + starts + 10 + 100, True)
    assert missed(behaviour=behaviour, job_ends=(at_most + 1,), lives=(life(ended=at_most + 2),)) == {
        "makespan"
    }


def test_no_makespan_is_asked_of_more_work_than_all_machines_do_within_the_latency() -> None:
    fits = workload(job(*[100] * 6), max_workers=2)
    assert "makespan" in judged(outcome(workload=fits))
    too_much = workload(job(*[100] * 6, 1), max_workers=2)
    assert "makespan" not in judged(outcome(workload=too_much))


def test_jobs_at_the_same_time_share_the_machines() -> None:
    """Each alone fits into the latency; the two that overlap do not, the third one later does."""
    jobs = (job(*[100] * 4), job(*[100] * 4, arrives=400), job(*[100] * 4, arrives=5000))
    three = workload(*jobs, max_workers=2)
    found = judged(outcome(workload=three, job_ends=(500, 2900, 5700), lives=(life(ended=5800),)))
    assert found["makespan"][:2] == (700, LATENCY + 270 + 400 + 10 + 100)


def test_jobs_one_after_the_other_do_not_share_them() -> None:
    two = workload(job(*[100] * 4), job(*[100] * 4, arrives=5000), max_workers=2)
    found = judged(outcome(workload=two, job_ends=(500, 5600), lives=(life(ended=5700),)))
    assert found["makespan"][0] == (500 + 600) / 2


def test_of_several_jobs_the_mean_is_compared() -> None:
    two = workload(job(100), job(200, arrives=5000), max_workers=2)
    limits = [LATENCY + 270 + 400 + 10 + longest for longest in (100, 200)]
    found = judged(outcome(workload=two, job_ends=(300, 6300), lives=(life(ended=6400),)))
    assert found["makespan"] == ((300 + 1300) / 2, sum(limits) / 2, True)


def test_cost_is_compared_where_each_machine_has_ten_minutes_of_work() -> None:
    """590 s of frames and a bake of 10 s on one machine: the clairvoyant one costs 160 + 600."""
    worthwhile = {"workload": workload(job(*[118] * 5)), "job_ends": (800,)}
    found = judged(outcome(**worthwhile, lives=(life(ended=914),)))
    value, at_most, met = found["cost ÷ clairvoyant"]
    assert value == pytest.approx(1.15)
    assert at_most == 1.15 and met
    assert missed(**worthwhile, lives=(life(ended=915),)) == {"cost ÷ clairvoyant"}
    two = (life(ended=700), life(ended=915))
    assert "cost ÷ clairvoyant" not in judged(outcome(**worthwhile, lives=two))
