"""Which idle workers may end themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.idle_workers import may_end


@pytest.mark.parametrize(
    ("desired", "tasks", "going", "why"),
    [
        (3, 0, {"i-1", "i-2", "i-3"}, "nothing to do: everybody goes"),
        (5, 3, {"i-1", "i-2"}, "two of three idle ones are too many; the third may get the next frame"),
        (3, 3, set(), "a task whose worker died is hidden for a while: somebody must be there for it"),
        (0, 0, set(), "tracking has lowered the capacity already: the group takes the unprotected itself"),
    ],
)
def test_who_goes(desired: int, tasks: int, going: set[str], why: str) -> None:
    idle = ["i-2", "i-3", "i-1"]
    assert {i for i in idle if may_end(i, idle=idle, desired_capacity=desired, tasks=tasks)} == going, why


def test_a_worker_that_the_group_does_not_hold_for_idle_stays() -> None:
    assert not may_end("i-9", idle=["i-1"], desired_capacity=9, tasks=0)


@given(
    st.sets(st.text("0123456789abcdef", min_size=1, max_size=4), max_size=12),
    st.integers(0, 20),
    st.integers(0, 30),
)
def test_all_who_ask_at_once_leave_enough_for_the_tasks(idle: set[str], busy: int, tasks: int) -> None:
    """Each decides for itself: when all of them act on what they saw, no task may lack a worker for it."""
    desired = len(idle) + busy
    going = [i for i in idle if may_end(i, idle=idle, desired_capacity=desired, tasks=tasks)]
    assert desired - len(going) >= min(tasks, desired)
    assert len(going) == min(len(idle), max(0, desired - tasks))
