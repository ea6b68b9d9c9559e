"""The policies beside ours do what their originals are known to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.simulate.engine import simulate
from farm.simulate.model import AwsBehaviour, Base, Outcome, Sample, SpotLoss
from farm.simulate.policies import policies
from farm.simulate.policies.buildkite import Buildkite
from farm.simulate.policies.keda import Keda
from farm.simulate.policies.messages_per_instance import MessagesPerInstance
from farm.simulate.policies.original import HABITS as ORIGINAL_HABITS
from farm.simulate.policies.original import Original, messages_per_instance
from farm.simulate.policies.ours import Ours
from tests.support.scripted_policy import LIMITS, Scripted, one_job


def desired(outcome: Outcome) -> dict[float, int]:
    return {sample.at: sample.desired for sample in outcome.samples}


def sample(outcome: Outcome, at: float) -> Sample:
    return next(sample for sample in outcome.samples if sample.at == at)


def test_their_order_and_names() -> None:
    assert [policy.name for policy in policies(LIMITS, idle_seconds=20)] == [
        "ours",
        "original",
        "AWS messages per instance",
        "KEDA",
        "buildkite-agent-scaler",
    ]


# ours


def test_ours_ends_idle_workers_at_once_and_keeps_the_busy() -> None:
    """One frame is far longer than the rest: the others' machines go long before it is done."""
    outcome = simulate(one_job(*[60] * 59, 1500), Ours(limits=LIMITS, idle_seconds=40))
    assert len(outcome.lives) > 3
    assert {machine.ended_by for machine in outcome.lives} == {"itself"}
    *early, last = sorted(machine.ended for machine in outcome.lives)
    assert outcome.job_ends == (last - 40,)
    assert max(early) < last - 600


def test_ours_does_not_wait_for_the_minute_to_see_that_frames_are_long() -> None:
    """The first frame begins at 245; one measure a minute would launch at 300 + 10 + 45."""
    outcome = simulate(one_job(*[600] * 30), Ours(limits=LIMITS, idle_seconds=40))
    first, second, *_ = sorted(machine.launched for machine in outcome.lives)
    assert first == 60
    assert 245 < second < 355


def test_ours_takes_the_longest_idle_first() -> None:
    longest_idle_first = Ours(limits=LIMITS, idle_seconds=40).victims
    policy = Scripted(capacities=((0, 3), (400, 2)), order=longest_idle_first)
    outcome = simulate(one_job(200, 50, 100), policy)
    # baked at 230, those that wait are served first: the second machine works to 430, the third to 280,
    # the first, which baked, to 330
    assert (outcome.lives[0].ended, outcome.lives[0].busy_seconds) == (400, 50)


# the original


@pytest.mark.parametrize(
    ("visible", "in_service", "bpi", "metric"),
    [(0, 0, 5, 0), (0, 3, 5, 0), (1, 0, 5, 5.2), (100, 0, 2, 2.2), (100, 20, 2, 5), (1, 2, 2, 0.5)],
)
def test_the_originals_metric(visible: int, in_service: int, bpi: float, metric: float) -> None:
    assert messages_per_instance(visible, in_service, bpi) == metric


def test_the_original_starts_three_machines_for_one_bake() -> None:
    outcome = simulate(one_job(600), Original(limits=LIMITS), behaviour=AwsBehaviour(base=Base.IN_SERVICE))
    # three minutes above 2, at 60, 120 and 180; the alarm looks at 200
    assert (desired(outcome)[180], desired(outcome)[240]) == (0, 3)
    assert max(desired(outcome).values()) == 3


def test_the_original_multiplies_machines_that_still_pend_when_the_base_is_what_is_desired() -> None:
    """At 240 no machine is in service yet, so that 5.2 is emitted again: ceil(3 × 2.6)."""
    outcome = simulate(one_job(600), Original(limits=LIMITS), behaviour=AwsBehaviour(base=Base.DESIRED))
    assert (desired(outcome)[240], desired(outcome)[300]) == (3, 8)


@pytest.mark.parametrize("base", list(Base))
def test_the_original_starts_twenty_machines_for_a_hundred_frames_of_ten_seconds(base: Base) -> None:
    outcome = simulate(one_job(*[10] * 100), Original(limits=LIMITS), behaviour=AwsBehaviour(base=base))
    assert max(desired(outcome).values()) == 20
    assert len(outcome.lives) == 20
    assert max(s.needed for s in outcome.samples) < 5


def test_the_original_scales_in_in_the_middle_of_a_long_bake() -> None:
    """What is in flight is not counted, so that there is nothing to do for it."""
    outcome = simulate(one_job(60, bake_seconds=3600), Original(limits=LIMITS))
    assert sample(outcome, 1800).busy == 1
    assert sample(outcome, 1800).desired == 0
    assert outcome.lives[-1].ended > 1800


def test_the_originals_pollers_expose_each_others_work() -> None:
    """One machine bakes for an hour beside a frame of another job; the frame's end unprotects both."""
    bake = one_job(10, bake_seconds=3600)
    frame = one_job(100, bake_seconds=5).jobs[0]
    workload = replace(bake, jobs=(frame, replace(bake.jobs[0], arrives=1)))
    policy = Scripted(habits=ORIGINAL_HABITS, capacities=((0, 1), (300, 0), (400, 1)))
    outcome = simulate(workload, policy)
    # bake 225–230, then the other bake; the frame poller looks at 225 and at 235, and ends its frame at 335
    first = outcome.lives[0]
    assert (first.ended, first.ended_by, first.was_busy) == (335, "scale-in", True)
    assert outcome.lost_seconds == 335 - 230
    # which comes back 7000 s after it was taken
    assert outcome.job_ends[1] is not None
    assert outcome.job_ends[1] >= 230 + 7000 + 3600


def test_a_machine_of_the_originals_is_busy_once_however_much_it_does() -> None:
    """A bake from 230 to 3830, a frame beside it, and the bake's own frame at the poller's next look."""
    frame = one_job(100, bake_seconds=5).jobs[0]
    workload = replace(one_job(10, bake_seconds=3600), jobs=(frame, one_job(10, bake_seconds=3600).jobs[0]))
    outcome = simulate(workload, Scripted(habits=ORIGINAL_HABITS))
    assert outcome.job_ends == (335, 3845)
    assert outcome.lives[0].busy_seconds == (3830 - 225) + 10


def test_the_originals_workers_are_deaf_to_notices() -> None:
    workload = replace(one_job(300), spot_losses=(SpotLoss(at=300, share=1),))
    outcome = simulate(workload, Scripted(habits=ORIGINAL_HABITS))
    assert (outcome.lives[0].ended, outcome.lives[0].was_busy) == (420, True)
    assert outcome.job_ends == (235 + 7000 + 300,)


# AWS's messages per instance


def test_messages_per_instance_is_lent_a_step_to_one_and_then_tracks() -> None:
    workload = one_job(*[60] * 100, bake_seconds=25, max_workers=30)
    outcome = simulate(workload, MessagesPerInstance(limits=LIMITS))
    # woken at 70, up at 295, baked at 320; of 99 that are visible 5 (300 ÷ 60) may be for each, and from 360
    # on there are more: for the third time at 480
    at = desired(outcome)
    assert (at[60], at[120], at[480]) == (0, 1, 1)
    assert (sample(outcome, 360).tasks, at[540]) == (100, 20)


def test_messages_per_instance_believes_the_time_that_was_typed_in() -> None:
    """Frames of ten seconds and a typed minute: six times the machines."""
    job, aws = one_job(*[10] * 100), AwsBehaviour(base=Base.DESIRED)
    typed = {
        seconds: max(
            desired(
                simulate(job, MessagesPerInstance(limits=LIMITS, average_seconds=seconds), behaviour=aws)
            ).values()
        )
        for seconds in (10.0, 60.0)
    }
    assert typed[60.0] == 20
    assert typed[10.0] < 10


def test_messages_per_instance_protects_the_busy() -> None:
    outcome = simulate(one_job(*[1500] * 12), MessagesPerInstance(limits=LIMITS))
    assert {machine.ended_by for machine in outcome.lives} == {"scale-in"}
    assert not any(machine.was_busy for machine in outcome.lives)


# KEDA


def test_keda_counts_what_is_in_flight_and_sets_the_capacity_directly() -> None:
    outcome = simulate(one_job(*[600] * 22), Keda(limits=LIMITS))
    assert desired(outcome)[60] == 1  # the bake
    # up at 30 + 225, baked at 260; 22 tasks ÷ 5
    assert desired(outcome)[300] == 5


def test_keda_scales_in_five_minutes_later_and_takes_the_busy_too() -> None:
    outcome = simulate(one_job(*[600] * 6), Keda(limits=LIMITS))
    # two machines from 270 on; the first renders 260–860 and on, the second 495–1095 and on
    assert (sample(outcome, 840).tasks, sample(outcome, 900).tasks) == (6, 5)
    at = desired(outcome)
    assert (at[1080], at[1140]) == (2, 1)
    assert (outcome.lives[0].ended, outcome.lives[0].was_busy) == (1140, True)
    assert outcome.lost_seconds in {1140 - 860, 1140 - 1095}  # the seed decides


def test_keda_ends_no_more_machines_than_there_are_too_many() -> None:
    """Twenty are started and twenty end: none is taken by mistake and replaced."""
    assert len(simulate(one_job(*[60] * 100), Keda(limits=LIMITS)).lives) == 20


def test_keda_goes_to_zero_five_minutes_after_the_last_message() -> None:
    outcome = simulate(one_job(60), Keda(limits=LIMITS))
    # done at 320; the poll at 300 was the last that saw it
    assert outcome.job_ends == (320,)
    assert outcome.lives[0].ended == 600


# buildkite


def test_buildkite_starts_a_machine_for_each_task_at_once() -> None:
    outcome = simulate(one_job(*[600] * 12), Buildkite(limits=LIMITS))
    # one at 10, up at 235, baked at 240: the poll of that moment was earlier or later by nothing
    assert desired(outcome)[60] == 1
    assert desired(outcome)[300] == 12
    assert max(desired(outcome).values()) == 12


def test_buildkites_machines_end_themselves_after_ten_idle_minutes() -> None:
    outcome = simulate(one_job(*[600] * 3), Buildkite(limits=LIMITS))
    assert {machine.ended_by for machine in outcome.lives} == {"itself"}
    assert max(machine.ended for machine in outcome.lives) == max(e for e in outcome.job_ends if e) + 600
    assert not any(machine.was_busy for machine in outcome.lives)
