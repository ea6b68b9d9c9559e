"""When a worker may be taken, and when it ends itself: real loops, in a time of the test's own."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest

from tests.support.timed_fleet import IDLE_SECONDS, POLL_SECONDS, Fleet
from tests.support.unruly_group import (
    DROP,
    END,
    GOING,
    HOOK,
    LOOK,
    PENDING,
    PROTECT,
    SILENT,
    THROTTLED,
    refusal,
)
from worker_agent.scale_in.attempts import LONGEST_BACK_OFF_SECONDS, REFUSED_SECONDS
from worker_agent.scale_in.idle_worker import END_SECONDS, IDLE_POLL_SECONDS, NOTICE_SECONDS, SPREAD

HOUR = 3600.0


def idle(fleet: Fleet) -> Fleet:
    """Time passes until every worker may be taken; something in flight elsewhere keeps them all."""
    for _ in fleet.names:
        fleet.queue.send()
        fleet.queue.receive(wait_seconds=0, lease_seconds=0)
    fleet.run_until(lambda: not any(machine.protected for machine in fleet.group.machines.values()))
    return fleet


def wanted_no_more(fleet: Fleet) -> None:
    fleet.queue.in_flight.clear()


def kinds(fleet: Fleet) -> list[str]:
    return [kind for kind, _ in fleet.group.calls if kind != LOOK]


def test_a_busy_worker_makes_no_call() -> None:
    fleet = Fleet(("a",))
    for number in range(100):
        fleet.queue.send(after_seconds=number * (10 + IDLE_SECONDS - POLL_SECONDS - 1) + 1)
    fleet.run_until(lambda: len(fleet.worked) == 100)
    assert fleet.group.calls == []
    assert fleet.worked == [("a", True)] * 100


def test_the_life_of_a_worker() -> None:
    """Work, idle, work while it may be taken, idle, the end."""
    fleet = Fleet(("a",))
    fleet.queue.send()
    fleet.step("a")
    idle_at = fleet.time.now
    fleet.queue.send(after_seconds=IDLE_SECONDS + 5)
    fleet.run_until(lambda: fleet.group.calls)
    assert fleet.time.now == idle_at + IDLE_SECONDS
    fleet.run_until(lambda: len(fleet.worked) == 2)
    assert kinds(fleet) == [DROP, PROTECT]
    worked_at = fleet.time.now
    fleet.run_until(lambda: not fleet.group.machines)
    assert kinds(fleet) == [DROP, PROTECT, DROP, END, HOOK]
    assert fleet.worked == [("a", True)] * 2
    assert IDLE_SECONDS + POLL_SECONDS <= fleet.time.now - worked_at <= IDLE_SECONDS + 2 * POLL_SECONDS


def test_a_task_that_ends_late_does_not_make_an_idle_worker() -> None:
    fleet = Fleet(("a",), task_seconds=HOUR)
    fleet.queue.send()
    fleet.step("a")
    fleet.step("a")
    assert fleet.group.calls == []


def test_a_worker_that_may_be_taken_hears_of_it_soon() -> None:
    fleet = idle(Fleet(("a",)))
    fleet.run(10)
    began = fleet.time.now
    fleet.step("a")
    assert fleet.time.now - began == IDLE_POLL_SECONDS


def test_an_idle_worker_does_not_spin() -> None:
    fleet = idle(Fleet(("a",)))
    fleet.run(HOUR)
    assert kinds(fleet) == [DROP]
    assert HOUR / POLL_SECONDS / 1.3 <= fleet.group.count(LOOK) <= HOUR / POLL_SECONDS + 2


@pytest.mark.parametrize("held", [0, 1, 2])
def test_of_two_idle_workers_as_many_go_as_are_too_many(held: int) -> None:
    fleet = idle(Fleet(("a", "b")))
    del fleet.queue.in_flight[held:]  # held by a worker that died
    fleet.run(HOUR)
    assert len(fleet.group.machines) == fleet.group.desired == held
    assert len(fleet.group.ended) == 2 - held


def test_one_look_is_not_enough_for_sqs_counts_late() -> None:
    fleet = idle(Fleet(("a",)))
    for _ in range(20):
        fleet.queue.unseen = 1
        fleet.run(2 * SPREAD * POLL_SECONDS + 10)
    assert fleet.group.ended == []


def test_work_that_comes_between_the_decision_and_the_call_is_the_others() -> None:
    fleet = idle(Fleet(("a", "b")))
    del fleet.queue.in_flight[1:]

    def send(kind: str) -> None:
        if kind == END and not fleet.queue.waiting and not fleet.worked:
            fleet.queue.send()

    fleet.group.meddle = send
    fleet.run_until(lambda: fleet.group.ended)
    (gone,) = fleet.group.ended
    fleet.run(120)
    (stayed,) = fleet.group.machines
    assert fleet.worked == [(stayed, True)] and stayed != gone


def test_what_nobody_is_left_for_stays_on_the_queue() -> None:
    fleet = idle(Fleet(("a",)))
    wanted_no_more(fleet)
    fleet.group.meddle = lambda kind: fleet.queue.send() if kind == END else None
    fleet.run(HOUR)
    assert fleet.group.machines == {}
    assert (len(fleet.queue.waiting), fleet.queue.in_flight) == (1, [])


def test_a_task_is_not_begun_on_a_machine_that_the_group_has_chosen_just_then() -> None:
    fleet = idle(Fleet(("a",)))
    fleet.notices = False
    fleet.group.meddle = lambda kind: fleet.group.scale_in() if kind == PROTECT else None
    fleet.queue.send()
    fleet.step("a")
    assert fleet.worked == []
    assert len(fleet.queue.waiting) == 1, "back at once"
    polls = len(fleet.queue.polls)
    for _ in range(20):
        fleet.step("a")
    assert len(fleet.queue.polls) == polls, "it takes nothing while the notice is on its way"
    fleet.notices = True
    fleet.run(2)
    assert fleet.group.machines == {}
    assert kinds(fleet) == [DROP, PROTECT, HOOK]


def test_a_group_that_does_not_know_the_machine_ends_no_work() -> None:
    """As on a laptop whose fleet was started anew: the notice never comes."""
    fleet = idle(Fleet(("a",)))
    fleet.group.machines["a"].state = PENDING
    fleet.queue.send()
    fleet.run(NOTICE_SECONDS - 5)
    assert fleet.worked == []
    fleet.run(30)
    assert [name for name, _ in fleet.worked] == ["a"]


def test_a_machine_that_still_starts_stays_protected_and_works() -> None:
    fleet = Fleet(("a",))
    fleet.group.machines["a"].state = PENDING
    fleet.run(HOUR)
    assert 5 <= fleet.group.count(DROP) <= HOUR / 60 + 8
    fleet.queue.send()
    fleet.step("a")
    assert (fleet.worked, fleet.group.count(PROTECT)) == ([("a", True)], 0)


@pytest.mark.parametrize("trouble", [THROTTLED, SILENT, refusal("InternalFailure", status=500)])
def test_a_task_waits_for_no_group_and_is_protected_in_the_course_of_it(trouble: Exception) -> None:
    fleet = idle(Fleet(("a",), task_seconds=HOUR))
    fleet.group.troubles[PROTECT] = [trouble] * 4
    fleet.queue.send()
    began = fleet.time.now
    fleet.step("a")
    assert fleet.time.now - began == pytest.approx(HOUR, rel=0.05)
    assert len(fleet.worked) == 1
    assert fleet.group.machines["a"].protected
    assert fleet.group.count(PROTECT) == 5


def test_a_call_that_was_heard_though_nobody_answered_is_made_good() -> None:
    fleet = Fleet(("a",))
    fleet.group.heard_though_silent = True
    fleet.group.troubles[DROP] = [SILENT]
    fleet.run_until(lambda: fleet.group.calls)
    assert not fleet.group.machines["a"].protected, "and the worker cannot know"
    fleet.queue.send()
    fleet.step("a")
    assert fleet.worked == [("a", True)]


THROTTLES = [
    THROTTLED,
    refusal("RequestLimitExceeded"),
    refusal("ScalingActivityInProgress"),
    refusal("ScalingActivityInProgressFault"),
    refusal("ResourceContention", status=500),
    SILENT,
]


@pytest.mark.parametrize("kind", [DROP, LOOK, END])
def test_a_busy_group_is_asked_again_ever_later_from_the_beginning(kind: str) -> None:
    fleet = Fleet(("a",))
    fleet.group.troubles[kind] = list(THROTTLES)
    times: list[float] = []
    fleet.group.meddle = lambda called: times.append(fleet.time.now) if called == kind else None
    fleet.run(HOUR)
    assert fleet.group.machines == {}
    if kind == END:
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert len(times) == len(THROTTLES) + 1
        assert all(gap >= POLL_SECONDS for gap in gaps), "two looks each time"
        assert gaps[-1] > 2 * POLL_SECONDS, "and later and later"
        assert max(gaps) < LONGEST_BACK_OFF_SECONDS + 1.5 * POLL_SECONDS + 1, "but sooner than when refused"
        polls = sum(times[0] < poll < times[-1] for poll in fleet.queue.polls)
        assert polls > len(THROTTLES), "work may have come meanwhile"


def test_work_that_came_while_the_group_was_busy_keeps_the_worker() -> None:
    fleet = Fleet(("a",))
    fleet.group.troubles[END] = [THROTTLED]
    fleet.group.meddle = lambda kind: fleet.queue.send() if kind == END and not fleet.worked else None
    fleet.run_until(lambda: fleet.worked)
    assert fleet.group.ended == []
    assert fleet.worked == [("a", True)]


def test_a_refusal_that_is_meant_is_said_once_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    fleet = Fleet(("a",))
    fleet.group.min_size = 1
    with caplog.at_level(logging.WARNING):
        fleet.run(4 * HOUR)
    assert 4 * HOUR / (REFUSED_SECONDS + 100) <= fleet.group.count(END) <= 8 * HOUR / REFUSED_SECONDS
    said = [record.getMessage() for record in caplog.records if "min size" in record.getMessage()]
    assert len(said) == 1
    fleet.queue.send()
    fleet.step("a")
    assert fleet.worked == [("a", True)], "it goes on looking for work"


def test_a_machine_whose_end_does_not_come_works_again() -> None:
    fleet = Fleet(("a",))
    fleet.notices = False
    fleet.run_until(lambda: fleet.group.ended)
    fleet.group.machines["a"].state = "InService"
    fleet.queue.send()
    polls = len(fleet.queue.polls)
    fleet.run(END_SECONDS - 5)
    assert (fleet.worked, len(fleet.queue.polls)) == ([], polls)
    fleet.run(20)
    assert fleet.worked == [("a", True)]


def test_tracking_takes_an_idle_worker_and_never_a_busy_one() -> None:
    fleet = idle(Fleet(("a", "b")))
    taken: list[str | None] = []
    fleet.during = lambda name: taken.append(fleet.group.scale_in())
    fleet.queue.send()
    fleet.step("b")
    assert taken == ["a"]
    fleet.queue.send()
    fleet.step("b")
    assert taken == ["a", None], "all that are left are protected"
    fleet.run(5)
    assert (list(fleet.group.machines), fleet.worked) == (["b"], [("b", True)] * 2)
    assert GOING not in {machine.state for machine in fleet.group.machines.values()}
