"""A few workers, a queue and a group that scales in whenever it likes: whatever comes in whatever order."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.timed_fleet import Fleet
from tests.support.unruly_group import DROP, END, IN_SERVICE, LOOK, PROTECT, SILENT, THROTTLED

NAMES = ("a", "b", "c")


class IdleFleet(RuleBasedStateMachine):
    @initialize(reachable=st.booleans(), heard=st.booleans())
    def begin(self, reachable: bool, heard: bool) -> None:
        """A group that cannot always be reached before a task may take a machine that has begun one."""
        self.reachable = reachable
        self.fleet = Fleet(NAMES)
        self.fleet.group.heard_though_silent = heard
        self.fleet.group.meddle = self.meddle
        self.fleet.during = lambda name: self.scale_in_if(self.during_task)
        self.during_task = False
        self.scale_in_at: set[str] = set()
        self.send_at: set[str] = set()
        self.sent = 0
        self.wrong: list[str] = []

    def scale_in_if(self, wanted: bool) -> None:
        if wanted:
            self.during_task = False
            self.fleet.group.scale_in()

    def meddle(self, kind: str) -> None:
        group, queue = self.fleet.group, self.fleet.queue
        if kind == END and group.desired <= queue.tasks():
            self.wrong.append("a worker that is needed ends itself")
        if kind in self.scale_in_at:
            self.scale_in_at.remove(kind)
            group.scale_in()
        if kind in self.send_at:
            self.send_at.remove(kind)
            self.send()

    @rule()
    def send(self) -> None:
        self.sent += 1
        self.fleet.queue.send()

    @rule(name=st.sampled_from(NAMES), times=st.sampled_from((1, 1, 1, 5, 20)))
    def step(self, name: str, times: int) -> None:
        for _ in range(times):
            self.fleet.step(name)

    @rule()
    def scale_in(self) -> None:
        self.fleet.group.scale_in()

    @rule()
    def scale_in_during_the_next_task(self) -> None:
        self.during_task = True

    @rule(kind=st.sampled_from((DROP, PROTECT, LOOK, END)))
    def scale_in_just_before(self, kind: str) -> None:
        self.scale_in_at.add(kind)

    @rule(kind=st.sampled_from((DROP, LOOK, END)))
    def send_just_before(self, kind: str) -> None:
        self.send_at.add(kind)

    @rule(kind=st.sampled_from((DROP, LOOK, END)), error=st.sampled_from((THROTTLED, SILENT)))
    def trouble(self, kind: str, error: Exception) -> None:
        self.fleet.group.troubles.setdefault(kind, []).append(error)

    @precondition(lambda self: not self.reachable)
    @rule(error=st.sampled_from((THROTTLED, SILENT)))
    def trouble_before_a_task(self, error: Exception) -> None:
        self.fleet.group.troubles.setdefault(PROTECT, []).append(error)

    @invariant()
    def no_busy_machine_is_taken(self) -> None:
        if getattr(self, "reachable", False):
            assert all(safe for _, safe in self.fleet.worked)

    @invariant()
    def none_ends_that_is_needed_and_no_task_is_lost(self) -> None:
        if not hasattr(self, "fleet"):
            return
        assert self.wrong == []
        queue = self.fleet.queue
        assert queue.in_flight == []
        assert len(self.fleet.worked) + len(queue.waiting) == self.sent

    def teardown(self) -> None:
        if not hasattr(self, "fleet"):
            return
        fleet: Any = self.fleet
        serve = any(machine.state == IN_SERVICE for machine in fleet.group.machines.values())
        fleet.group.meddle, fleet.during = lambda kind: None, lambda name: None
        fleet.run(2 * 3600)
        assert fleet.group.machines == {}, "in the end, nothing runs"
        assert not (serve and fleet.queue.waiting and fleet.group.desired), "nor waits"


IdleFleet.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestIdleFleet = IdleFleet.TestCase
