"""Whose turn it is at Blender."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest

from contract.job import Job
from tests.support.one_seat import turns_at
from worker_agent.seats import blender_turns
from worker_agent.tasks.lease import BlenderUse, Lease
from worker_agent.tasks.outcome import InterruptedTaskError
from worker_agent.tasks.task_queue import Message, TaskQueue

PATIENCE_SECONDS = 20


class Blender:
    scene_is_open = True
    kills = 0

    def kill(self) -> bool:
        self.kills += 1
        return True

    def foresee(self, job: Job | None) -> None:
        raise AssertionError("whoever bakes has the machine alone")


def a_lease() -> Lease:
    return Lease(TaskQueue(cast(Any, None), ""), Message("m", "r", ""), 3600, lambda: None)


def in_a_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, errors


def test_one_at_a_time_in_the_order_in_which_they_came() -> None:
    turns, order = turns_at(Blender()), list[int]()
    leases = [a_lease() for _ in range(4)]

    def take(number: int) -> None:
        with turns.turn(leases[number]):
            order.append(number)

    threads = []
    with turns.turn(leases[0]):
        for number in (1, 2, 3):
            threads.append(in_a_thread(partial(take, number))[0])
            while len(turns._waiting) < number:
                pass
        assert [lease.blender_use for lease in leases] == [BlenderUse.AT, *[BlenderUse.BEFORE] * 3]
        assert order == []
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert order == [1, 2, 3]
    assert {lease.blender_use for lease in leases} == {BlenderUse.AFTER}


def test_only_the_one_whose_turn_it_is_has_its_blender_ended() -> None:
    blender = Blender()
    turns = turns_at(blender)
    mine, other = a_lease(), a_lease()
    with turns.turn(mine):
        assert not turns.kill(other)
        assert blender.kills == 0
        assert turns.kill(mine)
    assert blender.kills == 1
    assert not turns.kill(mine), "another's frame may be in it by now"


@pytest.mark.parametrize("why", ["lost", "over", "leaving"])
def test_who_need_not_wait_any_more_goes(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blender_turns, "LOOK_SECONDS", 0.01)
    leaving, lease = threading.Event(), a_lease()
    turns = turns_at(Blender(), stopped=leaving.is_set)

    def take() -> None:
        with turns.turn(lease):
            pytest.fail("it is another's turn")

    with turns.turn(a_lease()):
        thread, errors = in_a_thread(take)
        {"lost": lease._lost, "over": lease._over, "leaving": leaving}[why].set()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    assert [type(error) for error in errors] == [InterruptedTaskError]
    with turns.turn(a_lease()):
        pass  # the one that went is in nobody's way


def test_the_end_of_a_turn_is_told() -> None:
    told: list[bool] = []
    turns = turns_at(Blender(), changed=lambda: told.append(True))
    with turns.turn(a_lease()):
        assert told == []
    assert told == [True]


def test_a_task_is_not_kept_from_others_behind_a_frame_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blender_turns, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(blender_turns, "PATIENCE_SECONDS", 0.1)
    turns, waiting = turns_at(Blender()), a_lease()

    def take() -> None:
        with turns.turn(waiting):
            pytest.fail("it is another's turn")

    with turns.turn(a_lease()):
        thread, errors = in_a_thread(take)
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    assert [str(error) for error in errors] == ["the frame before it is late: another worker may have it"]
