"""Bounds, costs and constant fleets, each worked out by hand."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.simulate.bounds import Clairvoyant, bounds, cost_dollars, makespan_seconds
from farm.simulate.list_schedule import last_end
from farm.simulate.model import SimulatedJob
from tests.support.outcomes import MACHINES, job, life, outcome, workload

START, BOOT = 200, 160


def test_the_cost_bound_is_one_machine_that_never_waits() -> None:
    assert bounds(workload(job(100, 200)), MACHINES).dollars == BOOT + 10 + 300


def test_the_makespan_bound_of_like_frames_is_boot_bake_and_whole_waves() -> None:
    hundred = workload(job(*[60] * 100), max_workers=20)
    assert bounds(hundred, MACHINES).makespan_seconds == START + 10 + 5 * 60
    one_more = workload(job(*[60] * 101), max_workers=20)
    assert bounds(one_more, MACHINES).makespan_seconds == START + 10 + 6 * 60


def test_no_job_is_done_before_its_longest_frame() -> None:
    assert bounds(workload(job(1, 1, 500)), MACHINES).makespan_seconds == START + 10 + 500


def test_no_job_is_done_before_its_share_of_the_work() -> None:
    uneven = workload(job(100, 100, 100, 1), max_workers=2)
    assert bounds(uneven, MACHINES).makespan_seconds == START + 10 + 301 / 2


def test_the_makespan_bound_of_several_jobs_is_the_mean_of_theirs() -> None:
    """The second arrives when a machine may be there already, so it need not wait for any."""
    two = workload(job(100), job(50, arrives=1000))
    assert bounds(two, MACHINES).makespan_seconds == ((START + 10 + 100) + (10 + 50)) / 2


def test_a_job_that_arrives_during_the_first_boot_waits_for_the_rest_of_it() -> None:
    two = workload(job(100, arrives=500), job(50, arrives=650))
    assert bounds(two, MACHINES).makespan_seconds == ((START + 10 + 100) + (50 + 10 + 50)) / 2


def test_machines_are_billed_by_the_second_and_a_minute_at_least() -> None:
    lives = (life(launched=40, ended=560), life(launched=100, ended=110, in_service=None, busy_seconds=0))
    assert cost_dollars(outcome(lives=lives)) == 520 + 60


def test_a_makespan_is_the_mean_over_jobs_from_their_arrivals() -> None:
    two = workload(job(1), job(1, arrives=100))
    assert makespan_seconds(outcome(workload=two, job_ends=(300, 500))) == 350
    assert makespan_seconds(outcome(workload=two, job_ends=(300, None))) is None


@pytest.mark.parametrize(
    ("workers", "end"),
    [
        (1, 1000 + 10 + 400),
        (2, 1000 + 10 + 200),
        (3, 1000 + 10 + 200),
        (4, 1000 + 10 + 100),
        (9, 1000 + 10 + 100),
    ],
)
def test_frames_wait_for_the_bake_and_then_for_a_worker(workers: int, end: float) -> None:
    assert last_end([job(100, 100, 100, 100)], workers, 1000) == end


def test_bakes_come_before_frames_and_frames_in_their_jobs_order() -> None:
    """One worker: bake 10, two frames; at 210 the second job waits and bakes before the third frame."""
    jobs = [job(100, 100, 100), job(5, arrives=150, bake=20)]
    assert last_end(jobs, 1, 0) == 10 + 300 + 20 + 5
    # a second worker has nothing to do at 110, bakes the second job from 150 to 170 and renders its frame
    assert last_end([job(100, 100, 100), job(500, arrives=150, bake=20)], 2, 0) == 170 + 500


def test_frames_are_rendered_in_their_order() -> None:
    """Two workers: the long frame comes last, so it begins only at 20."""
    assert last_end([job(10, 10, 100)], 2, 0) == 10 + 10 + 100


def test_workers_wait_for_jobs_that_are_still_to_come() -> None:
    assert last_end([job(5), job(5, arrives=10_000)], 3, 200) == 10_015


@given(frames=st.lists(st.integers(1, 50), min_size=1, max_size=5), workers=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_a_list_schedule_keeps_grahams_bound(frames: list[int], workers: int) -> None:
    """Σt/W + (1 − 1/W)·t_max, whatever the order; and none is shorter than its share or the longest."""
    for order in permutations(frames):
        rendering = last_end([job(*order, bake=0)], workers, 0)
        assert rendering <= sum(order) / workers + (1 - 1 / workers) * max(order) + 1e-9
        assert rendering >= max(sum(order) / workers, max(order)) - 1e-9


def fleet_by_hand(jobs: list[SimulatedJob], workers: int) -> tuple[float, float]:
    end = last_end(jobs, workers, START)
    return workers * max(60, end - 40), end


def test_the_clairvoyant_fleet_is_the_cheapest_that_keeps_the_deadline() -> None:
    """Ten frames of 100 s: 1 worker takes 1,210 s and 1,170 $; 2 take 710 s and 1,340 $; 5 take 410 s."""
    known = Clairvoyant(workload(job(*[100] * 10)), MACHINES)
    lavish, tight = known.cheapest(5000), known.cheapest(1209)
    assert lavish is not None and (lavish.workers, lavish.dollars, lavish.ends) == (1, 1170, 1210)
    assert tight is not None and (tight.workers, tight.dollars, tight.ends) == (2, 2 * 670, 710)
    assert known.cheapest(310) is not None, "ten workers need 310 s"
    assert known.cheapest(309) is None


def test_more_workers_may_be_cheaper_than_fewer() -> None:
    """Bake 100 s, ten frames of 300 s: 3 workers take four waves, 4 three, 5 two and so 860 s each."""
    jobs = [job(*[300] * 10, bake=100)]
    costs = {workers: fleet_by_hand(jobs, workers)[0] for workers in (3, 4, 5)}
    assert costs == {3: 3 * 1460, 4: 4 * 1160, 5: 5 * 860}
    best = Clairvoyant(workload(*jobs), MACHINES).cheapest(1600)
    assert best is not None and (best.workers, best.dollars) == (5, 4300)


@given(
    frames=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    more=st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), max_size=2),
    slack=st.integers(0, 2000),
)
@settings(max_examples=80, deadline=None)
def test_no_fleet_is_cheaper_than_the_one_found(
    frames: list[int], more: list[tuple[int, int]], slack: int
) -> None:
    jobs = [job(*frames), *(job(seconds, arrives=at) for at, seconds in more)]
    tried = [fleet_by_hand(jobs, workers) for workers in range(1, 9)]
    deadline = min(end for _, end in tried) + slack
    best = Clairvoyant(workload(*jobs, max_workers=8), MACHINES).cheapest(deadline)
    assert best is not None
    first = min(one.arrives for one in jobs)
    assert first == 0
    assert best.dollars == pytest.approx(min(dollars for dollars, end in tried if end <= deadline))


def test_a_fleet_is_launched_at_the_first_arrival() -> None:
    later = Clairvoyant(workload(job(100, arrives=1000)), MACHINES).fleet(1)
    assert (later.ends, later.dollars) == (1000 + START + 110, BOOT + 110)
