"""How many workers the farm wants."""

from math import ceil, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.scaling import Backlog, QueueDepth, ScalingLimits, measure_backlog

LIMITS = ScalingLimits(frame_queue_bpi=10, project_init_queue_bpi=1, max_workers=20)


def measured(bakes: int = 0, frames: int = 0, capacity: int = 0, limits: ScalingLimits = LIMITS) -> Backlog:
    return measure_backlog(
        bake=QueueDepth(in_flight=bakes),
        render=QueueDepth(visible=frames),
        desired_capacity=capacity,
        limits=limits,
    )


@pytest.mark.parametrize(
    ("bakes", "frames", "capacity", "wanted", "why"),
    [
        (0, 0, 0, 0, "nothing to do, nothing runs"),
        (0, 0, 5, 0, "the last frame is in: back to zero"),
        (1, 0, 0, 1, "the original started three machines for one bake"),
        (0, 1, 0, 1, "and two for one frame"),
        (0, 100, 1, 10, "acceptable backlog: ten frames a worker"),
        (0, 5000, 1, 20, "never above the maximum"),
        (0, 8, 10, 8, "eight of ten are busy with the last frames: only the two idle ones go"),
        (1, 0, 1, 1, "one bake in flight keeps its machine (the original scaled in during a bake)"),
        (2, 15, 1, 4, "bakes and frames add up"),
    ],
)
def test_wanted_workers(bakes: int, frames: int, capacity: int, wanted: int, why: str) -> None:
    assert measured(bakes, frames, capacity).wanted_workers == wanted, why


def test_tracking_alone_cannot_wake_a_sleeping_farm() -> None:
    assert measured(frames=1, capacity=0).needs_wake
    assert not measured(frames=1, capacity=1).needs_wake
    assert not measured(capacity=0).needs_wake


counts = st.integers(0, 100_000)
limits = st.builds(
    ScalingLimits,
    frame_queue_bpi=st.floats(0.1, 1000),
    project_init_queue_bpi=st.floats(0.1, 100),
    max_workers=st.integers(1, 500),
)


@given(counts, counts, st.integers(0, 500), limits)
def test_the_metric_lands_on_the_wanted_number(
    bakes: int, frames: int, capacity: int, limits: ScalingLimits
) -> None:
    backlog = measured(bakes, frames, capacity, limits)
    assert isfinite(backlog.backlog_per_instance)
    assert backlog.wanted_workers <= limits.max_workers
    assert (backlog.wanted_workers == 0) == (backlog.tasks == 0)
    landed = ceil(max(capacity, 1) * backlog.backlog_per_instance / limits.frame_queue_bpi)
    assert landed == backlog.wanted_workers


@given(counts, st.integers(1, 500), st.integers(1, 500), limits)
def test_no_base_that_aws_may_use_overshoots(
    frames: int, capacity: int, base: int, limits: ScalingLimits
) -> None:
    backlog = measured(0, frames, capacity, limits)
    landed = ceil(min(base, capacity) * backlog.backlog_per_instance / limits.frame_queue_bpi)
    assert landed <= backlog.wanted_workers
