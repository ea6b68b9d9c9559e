"""A machine that can do no work for a while: when its place is another's. Real loops in a test's time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.support.timed_fleet import IDLE_SECONDS, POLL_SECONDS, Fleet
from tests.support.unruly_group import DROP, END, HOOK, SILENT, THROTTLED, refusal
from worker_agent.loop import BACK_OFF_SECONDS
from worker_agent.scale_in.attempts import REFUSED_SECONDS
from worker_agent.scale_in.idle_worker import END_SECONDS
from worker_agent.scale_in.lasting_trouble import LASTING_SECONDS, PAUSE_SECONDS
from worker_agent.tasks.outcome import MachineTroubleError
from worker_agent.tasks.task_queue import Message

HOUR = 3600.0
LOOKS_SECONDS = BACK_OFF_SECONDS[1]
"""Between two looks of a machine in trouble, at most."""


@dataclass
class Disk:
    full: bool = True

    def require(self) -> None:
        if self.full:
            raise MachineTroubleError("the disk of a worker is full")


def in_trouble(names: tuple[str, ...] = ("a",), *, tasks: int = 1) -> tuple[Fleet, Disk]:
    disk = Disk()
    fleet = Fleet(names, require_fit_machine=disk.require)
    for _ in range(tasks):
        fleet.queue.send()
    return fleet, disk


def ends(fleet: Fleet) -> int:
    return fleet.group.count(END)


def test_the_only_machine_goes_and_the_group_starts_another(caplog: pytest.LogCaptureFixture) -> None:
    fleet, _ = in_trouble()
    began = fleet.time.now
    with caplog.at_level(logging.WARNING):
        fleet.run_until(lambda: fleet.group.ended)
    assert LASTING_SECONDS <= fleet.time.now - began <= LASTING_SECONDS + 2 * LOOKS_SECONDS
    assert fleet.group.desired == 1, "the task still wants a machine"
    assert len(fleet.queue.waiting) == 1
    assert "this machine's trouble does not end: it goes, and another takes its place" in caplog.text
    fleet.run(HOUR)
    assert (fleet.group.machines, ends(fleet), fleet.group.count(HOOK)) == ({}, 1, 1)


def test_one_that_nobody_needs_goes_sooner_and_is_not_replaced() -> None:
    fleet, _ = in_trouble(("a", "b"))
    began = fleet.time.now
    fleet.run_until(lambda: fleet.group.ended)
    assert fleet.time.now - began < LASTING_SECONDS / 2
    assert fleet.group.desired == 1


def test_trouble_that_ends_leaves_the_machine_and_the_next_is_a_new_one() -> None:
    fleet, disk = in_trouble()
    for _ in range(4):
        fleet.run(LASTING_SECONDS - 2 * LOOKS_SECONDS)
        disk.full = False
        fleet.run_until(lambda: not fleet.queue.waiting)
        disk.full = True
        fleet.queue.send()
    assert (ends(fleet), len(fleet.worked)) == (0, 4)
    fleet.run(LASTING_SECONDS - 2 * LOOKS_SECONDS)
    assert ends(fleet) == 0
    fleet.run(4 * LOOKS_SECONDS)
    assert ends(fleet) == 1


def test_trouble_that_ends_while_there_is_nothing_to_do_is_over_too() -> None:
    fleet, disk = in_trouble()
    fleet.queue.receive(wait_seconds=0, lease_seconds=0)  # elsewhere, so that this machine is kept
    fleet.run(LASTING_SECONDS - 2 * LOOKS_SECONDS)
    disk.full = False
    fleet.run(PAUSE_SECONDS + LOOKS_SECONDS)
    disk.full = True
    fleet.run(LASTING_SECONDS - 2 * LOOKS_SECONDS)
    assert ends(fleet) == 0


def test_trouble_that_only_tasks_meet_lasts_though_there_is_nothing_between_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file system answers, but what is written there fails: the task is given back and comes again."""
    fleet, disk = in_trouble(tasks=2)
    fleet.queue.receive(wait_seconds=0, lease_seconds=0)  # one is in flight elsewhere
    disk.full = False

    def fail(_: str) -> None:
        raise MachineTroubleError("a file system of a worker fails")

    def give_back(messages: Sequence[Message], delay_seconds: int) -> int:
        fleet.queue.delete_all(messages)
        fleet.queue.to_come += [(fleet.time.now + delay_seconds, message) for message in messages]
        return len(messages)

    fleet.during = fail
    monkeypatch.setattr(fleet.queue, "give_back_all", give_back)
    began = fleet.time.now
    fleet.run_until(lambda: fleet.group.ended)
    assert LASTING_SECONDS <= fleet.time.now - began <= LASTING_SECONDS + 3 * LOOKS_SECONDS
    assert len(fleet.queue.polls) > 15, "most of them found nothing"
    assert (fleet.group.desired, fleet.worked) == (1, [])


@pytest.mark.parametrize("trouble", [THROTTLED, SILENT, refusal("ScalingActivityInProgress")])
def test_a_busy_group_is_asked_again_a_little_later(trouble: Exception) -> None:
    fleet, _ = in_trouble()
    fleet.group.troubles[END] = [trouble] * 4
    times: list[float] = []
    fleet.group.meddle = lambda kind: times.append(fleet.time.now) if kind == END else None
    fleet.run(HOUR)
    assert (fleet.group.machines, len(times)) == ({}, 5)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 2.5
    assert gaps[-1] > 20, "and later and later"


def test_a_refusal_that_is_meant_is_said_once_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    fleet, _ = in_trouble()
    fleet.group.troubles[END] = [refusal("AccessDenied", "not for you") for _ in range(1000)]
    with caplog.at_level(logging.WARNING):
        fleet.run(4 * HOUR)
    assert ends(fleet) <= 8 * HOUR / REFUSED_SECONDS
    assert ends(fleet) >= 4 * HOUR / (REFUSED_SECONDS + 2 * LOOKS_SECONDS) - 5
    assert len([r for r in caplog.records if "not for you" in r.getMessage()]) == 1


def test_one_whose_end_does_not_come_is_in_trouble_anew() -> None:
    fleet, _ = in_trouble()
    fleet.notices = False
    fleet.run_until(lambda: fleet.group.ended)
    fleet.group.machines["a"].state = "InService"
    fleet.run(END_SECONDS + LASTING_SECONDS - 2 * LOOKS_SECONDS)
    assert ends(fleet) == 1
    fleet.run(5 * LOOKS_SECONDS)
    assert ends(fleet) == 2


def test_it_may_be_taken_long_before() -> None:
    fleet, _ = in_trouble()
    fleet.run(IDLE_SECONDS + LOOKS_SECONDS + POLL_SECONDS)
    assert fleet.group.count(DROP) == 1
    assert fleet.group.scale_in() == "a"
