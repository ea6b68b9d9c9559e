"""The laptop fleet's share of scaling: what Auto Scaling would do with the farm's own metrics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metrics import BACKLOG_PER_INSTANCE, GROW_TO
from contract.scaling import SMALL_FLEET, QueueDepth, ScalingLimits, measure_backlog
from farm.local.policies import metric_values
from farm.local.tracking import Alarm, Breaches, Policies, Step, StepPolicy, TrackingPolicy, next_capacity

TARGET = 900.0
MAXIMUM = 20
AT_ONCE = Alarm(metric=GROW_TO, comparison="GreaterThanOrEqualToThreshold", threshold=0.5, periods=1)


def policies(target: float = TARGET) -> Policies:
    capacities = range(1, SMALL_FLEET + 1)
    return Policies(
        tracking=TrackingPolicy.documented(BACKLOG_PER_INSTANCE, target),
        steps=(
            StepPolicy(
                alarm=AT_ONCE,
                steps=tuple(
                    Step(lower=n - 0.5, upper=n + 0.5 if n < SMALL_FLEET else None, capacity=n)
                    for n in capacities
                ),
            ),
        ),
    )


def after(*workers_per_machine: float, desired: int, grow_to: int = 0, minimum: int = 0) -> int:
    """The desired capacity after so many periods, each with this metric, in multiples of the target."""
    followed, breaches = policies(), Breaches()
    for share in workers_per_machine:
        values = {BACKLOG_PER_INSTANCE: TARGET * share, GROW_TO: float(grow_to)}
        breaches = breaches.after(followed.alarms, values)
        desired = next_capacity(followed, breaches, values, desired=desired, minimum=minimum, maximum=MAXIMUM)
    return desired


@pytest.mark.parametrize(
    ("periods", "share", "desired", "wanted"),
    [
        pytest.param(99, 0.0, 0, 0, id="nothing to do"),
        pytest.param(2, 9.999, 1, 1, id="two minutes above the target are none yet"),
        pytest.param(3, 9.999, 1, 10, id="three are: from one to ten"),
        pytest.param(99, 0.9999, 10, 10, id="the wanted number holds"),
        pytest.param(3, 1.01, 10, 11, id="a little more is one more"),
        pytest.param(3, 99.0, 5, 20, id="never above the maximum"),
        pytest.param(99, 0.91, 10, 10, id="a little less is the dead band"),
        pytest.param(14, 0.0, 3, 3, id="fourteen minutes of idling are none yet"),
        pytest.param(15, 0.0, 3, 0, id="fifteen are: all go"),
        pytest.param(99, 0.5, 0, 0, id="a low alarm adds none"),
        pytest.param(15, 0.0999, 10, 1, id="fewer are wanted"),
    ],
)
def test_tracking(periods: int, share: float, desired: int, wanted: int) -> None:
    assert after(*[share] * periods, desired=desired) == wanted


def test_one_better_minute_begins_the_wait_anew() -> None:
    assert after(*[0.0] * 14, 1.0, *[0.0] * 14, desired=2) == 2
    assert after(2.0, 2.0, 1.0, 2.0, 2.0, desired=2) == 2


def test_the_step_policy_acts_at_once_and_the_largest_capacity_wins() -> None:
    assert after(0.999, desired=0, grow_to=7) == 7
    assert after(1.5, 1.5, 1.5, desired=1, grow_to=0) == 2
    assert after(*[0.0] * 15, desired=1, grow_to=3) == 3


def test_the_groups_bounds_hold_whatever_the_policies_say() -> None:
    assert after(*[0.0] * 15, desired=5, minimum=2) == 2
    assert after(1.0, desired=0, minimum=2) == 2
    assert after(1.0, desired=25) == MAXIMUM


@given(
    frames=st.integers(0, 5000),
    bakes=st.integers(0, 50),
    bpi=st.floats(0.5, 50),
    maximum=st.integers(1, 500),
    target=st.floats(1, 10_000),
)
def test_with_the_farms_own_metric_it_lands_on_the_wanted_number(
    frames: int, bakes: int, bpi: float, maximum: int, target: float
) -> None:
    limits = ScalingLimits(
        acceptable_latency_seconds=target,
        worker_start_seconds=1,
        frame_queue_bpi=bpi,
        project_init_queue_bpi=1,
        max_workers=maximum,
    )
    followed, breaches, desired = policies(target), Breaches(), 0
    for _ in range(12):
        backlog = measure_backlog(
            bake=QueueDepth(visible=bakes),
            render=QueueDepth(visible=frames),
            jobs=(),
            desired_capacity=desired,
            limits=limits,
        )
        values = metric_values(backlog)
        breaches = breaches.after(followed.alarms, values)
        desired = next_capacity(followed, breaches, values, desired=desired, minimum=0, maximum=maximum)
        assert desired <= backlog.wanted_workers
    assert desired == backlog.wanted_workers
