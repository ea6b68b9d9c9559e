"""The simulated queues, machines and group, in cases that were worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.simulate.engine import simulate
from farm.simulate.farm import Policy
from farm.simulate.fleet.habits import Habits, Protection
from farm.simulate.model import MachineLife, Machines, Outcome, SimulatedJob, SpotLoss, Workload
from farm.simulate.policies import policies
from tests.support.scripted_policy import LIMITS, Scripted, one_job

PENDING, BOOT, POLL = 45, 180, 20
WORKS: Final = PENDING + BOOT
"""When a machine that is launched at the beginning works."""


def life(
    launched: float, in_service: float, ended: float, busy: float, by: str, cut: bool = False
) -> MachineLife:
    return MachineLife(
        launched=launched,
        in_service=in_service,
        ended=ended,
        busy_seconds=busy,
        ended_by=by,
        was_busy=cut,
    )


def test_our_policy_from_an_upload_to_nothing() -> None:
    outcome = simulate(one_job(600), policies(LIMITS, idle_seconds=40)[0])
    # heard of at 5, alarm at 15, run at 60, up at 240; the second poll that finds nothing is 40 s later
    assert outcome.lives == (life(60, 240, 885, 605, "itself"),)
    assert outcome.job_ends == (845,)
    assert outcome.lost_seconds == 0
    assert [(s.at, s.desired, s.in_service, s.busy) for s in outcome.samples] == [
        *((at, 1, 0, 0) for at in range(60, 181, 60)),
        *((at, 1, 1, 1) for at in range(240, 841, 60)),
    ]


def test_an_idle_worker_looks_twice_before_it_ends() -> None:
    """SQS's counts lag; as the agent does, however short its patience."""
    (life_of_one,) = simulate(one_job(600), policies(LIMITS, idle_seconds=20)[0]).lives
    assert life_of_one.ended == 885


def test_samples_tell_the_truth_about_the_backlog() -> None:
    samples = simulate(one_job(600, bake_seconds=100), Scripted()).samples
    backlog = {s.at: (s.tasks, s.backlog_seconds) for s in samples}
    assert backlog[180] == (1, 700)
    assert backlog[300] == (1, 700 - 75)  # the bake has run for 75 s; its frame waits for it
    assert backlog[360] == (1, 600 - 35)


def test_what_is_needed_is_reckoned_with_true_frame_times() -> None:
    """Nobody has timed a frame yet; 20 × 150 s want ten workers if it is to take 300 s."""
    samples = simulate(one_job(*[150] * 20), Scripted()).samples
    assert next(s.needed for s in samples if s.at == 240) == 10


def test_all_frames_wait_for_the_bake_and_two_machines_share_them() -> None:
    outcome = simulate(one_job(60, 60, 60, bake_seconds=100), Scripted(capacities=((0, 2),)))
    assert outcome.job_ends == (WORKS + 100 + 60 + 60,)
    assert sorted(machine.busy_seconds for machine in outcome.lives) == [120, 160]


def test_bakes_go_before_frames() -> None:
    jobs = (
        SimulatedJob(arrives=0, bake_seconds=10, frame_seconds=(100, 100, 100)),
        SimulatedJob(arrives=WORKS + 20, bake_seconds=10, frame_seconds=(1,)),
    )
    outcome = simulate(Workload(name="two", jobs=jobs), Scripted())
    # the second bake waits for one frame, its frame for the two that were queued before
    assert outcome.job_ends == (WORKS + 320, WORKS + 321)


def test_a_job_without_frames_ends_with_its_bake() -> None:
    assert simulate(one_job(), Scripted()).job_ends == (WORKS + 5,)


def test_a_spot_worker_finishes_what_it_can_within_the_notice() -> None:
    """The frame runs from 230 to 430, which is 120 s after the notice to the second."""
    workload = replace(one_job(200), spot_losses=(SpotLoss(at=310, share=1),))
    outcome = simulate(workload, Scripted(), limit_seconds=430)
    assert outcome.job_ends == (430,)
    assert outcome.lives[0] == life(PENDING, WORKS, 430, 205, "spot")
    assert outcome.lost_seconds == 0


def test_a_spot_worker_gives_back_at_once_what_it_cannot_finish_and_is_replaced() -> None:
    workload = replace(one_job(200), spot_losses=(SpotLoss(at=309, share=1),))
    outcome = simulate(workload, Scripted())
    again = 309 + WORKS
    assert outcome.lives == (
        life(PENDING, WORKS, 309, 5 + 79, "spot", cut=True),
        life(309 + PENDING, again, again + 200 + POLL, 200, "itself"),
    )
    assert outcome.lost_seconds == 79
    assert outcome.job_ends == (again + 200,)


def test_a_worker_takes_nothing_new_after_its_notice() -> None:
    workload = replace(one_job(30, 30, 30), spot_losses=(SpotLoss(at=240, share=1),))
    first, second = simulate(workload, Scripted()).lives
    assert (first.ended, first.busy_seconds, first.was_busy) == (260, 35, False)
    assert second.busy_seconds == 60


def test_an_idle_worker_goes_at_its_notice_and_a_busy_one_when_it_is_done() -> None:
    workload = replace(one_job(100), spot_losses=(SpotLoss(at=300, share=1),))
    outcome = simulate(workload, Scripted(capacities=((0, 2),)), limit_seconds=340)
    assert [(machine.ended, machine.ended_by, machine.was_busy) for machine in outcome.lives[:2]] == [
        (300, "spot", False),
        (330, "spot", False),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_a_worker_with_a_notice_is_not_given_what_another_gives_back(seed: int) -> None:
    workload = replace(one_job(600), spot_losses=(SpotLoss(at=300, share=1),))
    outcome = simulate(workload, Scripted(capacities=((0, 2),)), seed=seed, limit_seconds=310)
    assert sorted(machine.was_busy for machine in outcome.lives) == [False, True]


@pytest.mark.parametrize("seed", range(8))
def test_spot_takes_no_machine_twice(seed: int) -> None:
    """Two of four, then one of the two that are left; all would be done 100 s after the first notice."""
    losses = (SpotLoss(at=300, share=0.5), SpotLoss(at=310, share=0.5))
    workload = replace(one_job(*[170] * 40), spot_losses=losses)
    outcome = simulate(workload, Scripted(capacities=((0, 4),)), seed=seed)
    assert sum(machine.ended_by == "spot" for machine in outcome.lives) == 3


@pytest.mark.parametrize(("there", "share", "lost"), [(4, 0.5, 2), (3, 0.5, 2), (4, 0.1, 1), (4, 1, 4)])
def test_a_share_of_the_machines_is_lost_rounded_up(there: int, share: float, lost: int) -> None:
    workload = replace(one_job(*[600] * 8), spot_losses=(SpotLoss(at=300, share=share),))
    outcome = simulate(workload, Scripted(capacities=((0, there),)))
    assert sum(machine.ended_by == "spot" for machine in outcome.lives) == lost


def test_without_notice_the_task_comes_back_when_its_lease_has_lapsed() -> None:
    workload = replace(one_job(200), spot_losses=(SpotLoss(at=330, share=1, notice_seconds=0),))
    outcome = simulate(workload, Scripted(), machines=Machines(lease_seconds=1000))
    assert outcome.lost_seconds == 100
    assert outcome.job_ends == (330 + 1000 + 200,)
    assert outcome.lives[0] == life(PENDING, WORKS, 330, 105, "spot", cut=True)


def test_scale_in_never_takes_a_protected_machine_but_waits_for_it() -> None:
    outcome = simulate(one_job(600, 700), Scripted(capacities=((0, 3), (300, 0))))
    assert sorted((machine.ended, machine.ended_by, machine.was_busy) for machine in outcome.lives) == [
        (300, "scale-in", False),  # the one that had nothing to do
        (WORKS + 5 + 600, "scale-in", False),
        (WORKS + 5 + 700, "scale-in", False),
    ]
    assert next(s for s in outcome.samples if s.at == 360).desired == 0
    assert next(s for s in outcome.samples if s.at == 360).busy == 2


def test_scale_in_takes_an_unprotected_machine_in_the_middle_of_its_work() -> None:
    careless = Scripted(habits=Habits(protection=Protection.NEVER), capacities=((0, 1), (300, 0), (400, 1)))
    outcome = simulate(one_job(100), careless)
    assert outcome.lives[0] == life(PENDING, WORKS, 300, 75, "scale-in", cut=True)
    assert outcome.lost_seconds == 70
    assert outcome.job_ends == (400 + WORKS + 100,)


def test_machines_that_were_never_run_are_called_off_and_cost_nothing() -> None:
    outcome = simulate(one_job(600), Scripted(capacities=((0, 1), (10, 4), (20, 1))))
    assert [machine.launched for machine in outcome.lives] == [PENDING]


def test_machines_that_pend_are_called_off_before_one_that_is_there_is_ended() -> None:
    policy = Scripted(capacities=((0, 2), (300, 3), (320, 2)))
    outcome = simulate(one_job(600), policy)
    assert [machine.launched for machine in outcome.lives] == [PENDING, PENDING]
    assert min(machine.ended for machine in outcome.lives) > 800


def test_machines_born_protected_boot_although_nobody_wants_them_any_more() -> None:
    born_protected = Scripted(
        habits=Habits(protection=Protection.UNTIL_IDLE), capacities=((0, 1), (10, 4), (20, 1))
    )
    outcome = simulate(one_job(600), born_protected)
    assert sorted(machine.launched for machine in outcome.lives) == [45, 55, 55, 55]


def test_the_group_never_passes_its_maximum() -> None:
    outcome = simulate(one_job(*[60] * 50, max_workers=3), Scripted(capacities=((0, 7),)))
    assert len(outcome.lives) == 3


def test_what_is_left_at_the_limit_ends_there() -> None:
    outcome = simulate(one_job(600), Scripted(), limit_seconds=500)
    assert outcome.job_ends == (None,)
    assert outcome.lives == (life(PENDING, WORKS, 500, 275, "end", cut=True),)


def test_a_policy_that_never_starts_a_machine_leaves_the_job_undone() -> None:
    outcome = simulate(one_job(600), Scripted(capacities=()))
    assert (outcome.job_ends, outcome.lives) == ((None,), ())


STORM: Final = Workload(
    name="storm",
    jobs=tuple(SimulatedJob(arrives=300 * n, bake_seconds=20, frame_seconds=(90,) * 30) for n in range(3)),
    spot_losses=(SpotLoss(at=700, share=0.5), SpotLoss(at=1000, share=0.3)),
)


@pytest.mark.parametrize("policy", policies(LIMITS, idle_seconds=20), ids=lambda policy: policy.name)
def test_the_same_seed_gives_the_same_outcome(policy: Policy) -> None:
    assert simulate(STORM, policy, seed=4) == simulate(STORM, policy, seed=4)


def test_the_seed_decides_whom_spot_takes() -> None:
    """Frames of unlike length, so that it matters."""
    job = SimulatedJob(arrives=0, bake_seconds=5, frame_seconds=tuple(range(100, 900, 40)))
    workload = Workload(name="unlike", jobs=(job,), spot_losses=(SpotLoss(at=400, share=0.5),))
    outcomes = [simulate(workload, Scripted(capacities=((0, 6),)), seed=seed) for seed in range(3)]
    assert len({outcome.lost_seconds for outcome in outcomes}) > 1


jobs = st.builds(
    SimulatedJob,
    arrives=st.integers(0, 3000).map(float),
    bake_seconds=st.integers(1, 400).map(float),
    frame_seconds=st.lists(st.integers(1, 900).map(float), max_size=25).map(tuple),
)
losses = st.builds(
    SpotLoss,
    at=st.integers(0, 4000).map(float),
    share=st.floats(0.1, 1),
    notice_seconds=st.sampled_from([0.0, 120.0]),
)
workloads = st.builds(
    Workload,
    name=st.just("any"),
    jobs=st.lists(jobs, min_size=1, max_size=4).map(tuple),
    max_workers=st.integers(1, 8),
    spot_losses=st.lists(losses, max_size=3).map(tuple),
)


def done(outcome: Outcome) -> bool:
    return all(end is not None for end in outcome.job_ends)


@settings(max_examples=40, deadline=None)
@given(workloads, st.sampled_from(policies(LIMITS, idle_seconds=20)), st.integers(0, 3))
def test_nothing_is_lost_and_nothing_done_twice(workload: Workload, policy: Policy, seed: int) -> None:
    outcome = simulate(workload, policy, seed=seed)
    work = sum(job.work_seconds for job in workload.jobs)
    busy = sum(machine.busy_seconds for machine in outcome.lives)
    assert done(outcome)
    if not policy.habits.bakes_beside_frames:  # else a machine does two seconds' work in one
        assert busy - outcome.lost_seconds == pytest.approx(work)
    for end, job in zip(outcome.job_ends, workload.jobs, strict=True):
        longest = max(job.frame_seconds, default=0)
        assert end is not None and end >= job.arrives + job.bake_seconds + longest
    assert all(machine.busy_seconds <= machine.ended - machine.launched for machine in outcome.lives)
    assert all(s.desired <= workload.max_workers for s in outcome.samples)
    assert all(machine.ended_by != "end" for machine in outcome.lives)


@settings(max_examples=30, deadline=None)
@given(workloads, st.integers(0, 3))
def test_our_scale_in_never_takes_a_busy_worker(workload: Workload, seed: int) -> None:
    outcome = simulate(workload, policies(LIMITS, idle_seconds=20)[0], seed=seed)
    assert not [machine for machine in outcome.lives if machine.was_busy and machine.ended_by != "spot"]
