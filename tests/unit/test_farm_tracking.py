"""The laptop fleet's share of scaling: what Auto Scaling would do with the farm's own metric."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.scaling import QueueDepth, ScalingLimits, measure_backlog
from farm.local.tracking import ScaleIn, tracked_capacity


@pytest.mark.parametrize(
    ("desired", "metric", "needs_wake", "wanted"),
    [
        pytest.param(0, 0.0, False, 0, id="nothing to do"),
        pytest.param(0, 39.9, True, 1, id="the wake policy starts one, tracking the rest"),
        pytest.param(1, 39.999, False, 10, id="from one to ten at once"),
        pytest.param(10, 3.9999, False, 10, id="the wanted number holds"),
        pytest.param(10, 4.1, False, 11, id="a little more is one more"),
        pytest.param(10, 0.4, False, 1, id="fewer are wanted"),
        pytest.param(3, 0.0, False, 0, id="the queues are empty"),
        pytest.param(5, 400.0, False, 20, id="never above the maximum"),
    ],
)
def test_tracked_capacity(desired: int, metric: float, needs_wake: bool, wanted: int) -> None:
    assert (
        tracked_capacity(desired=desired, maximum=20, metric=metric, target=4, needs_wake=needs_wake)
        == wanted
    )


def test_a_maximum_of_zero_wakes_nobody() -> None:
    assert tracked_capacity(desired=0, maximum=0, metric=4, target=4, needs_wake=True) == 0


@given(
    tasks=st.integers(0, 5000), bakes=st.integers(0, 50), bpi=st.floats(0.5, 50), maximum=st.integers(1, 500)
)
def test_with_the_farms_own_metric_it_lands_on_the_wanted_number(
    tasks: int, bakes: int, bpi: float, maximum: int
) -> None:
    limits = ScalingLimits(frame_queue_bpi=bpi, project_init_queue_bpi=1, max_workers=maximum)
    desired, reached = 0, []
    for _ in range(4):
        backlog = measure_backlog(
            bake=QueueDepth(visible=bakes),
            render=QueueDepth(visible=tasks),
            desired_capacity=desired,
            limits=limits,
        )
        desired = tracked_capacity(
            desired=desired,
            maximum=maximum,
            metric=backlog.backlog_per_instance,
            target=bpi,
            needs_wake=backlog.needs_wake,
        )
        assert desired <= max(backlog.wanted_workers, 1 if backlog.needs_wake else 0)
        reached.append(desired)
    assert reached[-1] == reached[-2] == backlog.wanted_workers


def test_growth_is_at_once_and_shrinking_waits() -> None:
    patience = ScaleIn()
    patience, desired = patience.step(proposed=4, desired=1, now=0, patience_seconds=10)
    assert desired == 4
    patience, desired = patience.step(proposed=0, desired=4, now=1, patience_seconds=10)
    assert desired == 4
    patience, desired = patience.step(proposed=0, desired=4, now=10.9, patience_seconds=10)
    assert desired == 4
    patience, desired = patience.step(proposed=0, desired=4, now=11, patience_seconds=10)
    assert desired == 0


def test_new_work_begins_the_wait_anew() -> None:
    patience = ScaleIn()
    patience, _ = patience.step(proposed=0, desired=2, now=0, patience_seconds=10)
    patience, _ = patience.step(proposed=2, desired=2, now=9, patience_seconds=10)
    patience, desired = patience.step(proposed=0, desired=2, now=11, patience_seconds=10)
    assert desired == 2
