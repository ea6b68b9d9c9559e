"""Several Blenders on one worker: who gets which, who waits, and who is ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tests.support.several_seats import (
    JOB,
    OTHER,
    SECONDS,
    SeatedWorker,
    a_lease,
    hands,
)
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.seat import close_all, make_sessions
from worker_agent.seats.seat_clocks import SeatClocks
from worker_agent.tasks.lease import BlenderUse
from worker_agent.tasks.outcome import InterruptedTaskError


@pytest.fixture
def worker() -> Iterator[SeatedWorker]:
    yield SeatedWorker()


def test_a_job_has_as_many_seats_as_are_useful(worker: SeatedWorker) -> None:
    *at, late = hands(worker, JOB, JOB, JOB, JOB)
    assert [hand.gets() for hand in at] == [0, 1, 2]
    assert late.waits()
    at[1].lets_go()
    assert late.gets() == 1
    assert [blender.closes for blender in worker.blenders] == [0, 0, 0, 0]
    for hand in (*at, late):
        hand.lets_go()


def test_another_job_waits_until_the_machine_is_free_and_nobody_passes_it(worker: SeatedWorker) -> None:
    one, two, other, late = hands(worker, JOB, JOB, OTHER, JOB)
    assert other.waits()
    assert late.waits(), "it came later"
    one.lets_go()
    assert other.waits()
    two.lets_go()
    assert other.gets() == 0
    assert [blender.closes for blender in worker.blenders] == [0, 1, 0, 0], "it holds another job's memory"
    assert late.waits()
    other.lets_go()
    assert late.gets() == 0
    late.lets_go()


def test_a_job_that_was_prepared_anew_is_another(worker: SeatedWorker) -> None:
    one, again = hands(worker, JOB, replace(JOB, baked_folder="baked-2"))
    assert again.waits()
    one.lets_go()
    assert again.gets() == 0
    again.lets_go()


def test_a_bake_has_the_machine_alone(worker: SeatedWorker) -> None:
    one, two, bake, late = hands(worker, JOB, JOB, None, JOB)
    assert bake.waits()
    one.lets_go()
    two.lets_go()
    assert bake.gets() == 0
    assert worker.blenders[1].closes == 1
    assert worker.turns.seconds_until_free() is None
    assert late.waits()
    bake.lets_go()
    assert late.gets() == 0
    late.lets_go()


def test_fewer_seats_from_now_on_end_the_blenders_beyond(worker: SeatedWorker) -> None:
    one, two, three = hands(worker, JOB, JOB, JOB)
    worker.counts.number = 2
    one.lets_go()
    (late,) = hands(worker, JOB)
    assert late.waits(), "two are at it still"
    two.lets_go()
    assert late.gets() == 0
    assert [blender.closes for blender in worker.blenders] == [0, 0, 0, 0], "the third one still renders"
    worker.counts.number = 1
    for hand in (three, late):
        hand.lets_go()
    (last,) = hands(worker, JOB)
    assert last.gets() == 0
    assert [blender.closes for blender in worker.blenders] == [0, 1, 1, 0]
    last.lets_go()


def test_only_the_own_blender_is_ended(worker: SeatedWorker) -> None:
    one, two, three, late = hands(worker, JOB, JOB, JOB, JOB)
    worker.blenders[1].scene_is_open = False
    assert worker.turns.kill(two.lease)
    assert not worker.turns.kill(late.lease), "it has none"
    assert not worker.turns.kill(a_lease())
    assert [blender.kills for blender in worker.blenders] == [0, 1, 0, 0]
    assert [worker.turns.scene_is_open(hand.lease) for hand in (one, two, three, late)] == [
        True,
        False,
        True,
        False,
    ]
    for hand in (one, two, three, late):
        hand.lets_go()
    assert not worker.turns.kill(one.lease), "it has let go"


def test_who_waits_lets_go_when_the_worker_must(worker: SeatedWorker) -> None:
    one, two = hands(worker, JOB, OTHER)
    worker.stopped = True
    two.join(SECONDS)
    assert isinstance(two.error, InterruptedTaskError)
    assert two.lease.blender_use is BlenderUse.AFTER
    worker.stopped = False
    (three,) = hands(worker, JOB)
    assert three.gets() == 1, "nobody stands in its way"
    for hand in (one, three):
        hand.lets_go()


def test_a_task_that_nobody_is_to_do_waits_no_more(worker: SeatedWorker) -> None:
    one, two = hands(worker, JOB, OTHER)
    two.lease._lost.set()
    two.join(SECONDS)
    assert isinstance(two.error, InterruptedTaskError)
    one.lets_go()


def test_the_next_is_claimed_when_a_seat_is_free_or_about_to_be(worker: SeatedWorker) -> None:
    clocks = SeatClocks(worker.seats, worker.turns)
    assert clocks.turn_seconds_left() == 0
    one, two = hands(worker, JOB, JOB)
    assert (one.gets(), two.gets()) == (0, 1)
    assert clocks.turn_seconds_left() == 0, "there is a third seat"
    (three,) = hands(worker, JOB)
    assert three.gets() == 2
    for seat, seconds in zip(worker.seats, (30.0, 10.0, 20.0), strict=False):
        seat.clock.has_rendered(JOB.job_id, seconds)
        seat.clock.turn_to(int(seconds))
        seat.clock.begin(seconds)
    assert clocks.turn_seconds_left() == pytest.approx(10, abs=1)
    assert worker.turns.frame_seconds_left(three.lease) == pytest.approx(20, abs=1)
    assert clocks.frame and clocks.frame[0] == 30, "the one that was begun first"
    assert clocks.recent_seconds(JOB.job_id) == (30, 10, 20)
    assert clocks.usual_seconds == 30
    before = worker.changes
    for hand in (one, two, three):
        hand.lets_go()
    (other,) = hands(worker, OTHER)
    assert other.gets() == 0
    assert clocks.usual_seconds is None, "they were another job's frames"
    other.lets_go()
    assert worker.changes == before + 4
    assert worker.turns.frame_seconds_left(three.lease) == 0


def test_the_next_jobs_blender_is_started_while_the_one_before_renders(
    worker: SeatedWorker,
) -> None:
    at = hands(worker, JOB, JOB)
    assert worker.blenders[0].foreseen == []
    waiting = hands(worker, OTHER, None)
    assert waiting[0].waits()
    assert worker.blenders[0].foreseen == [OTHER, None]
    for hand in (*at, *waiting):
        hand.lets_go()
    assert worker.blenders[0].foreseen == [OTHER, None]


def test_blenders_that_are_slow_to_end_are_waited_for_together() -> None:
    class Slow:
        def end(self) -> None:
            together.wait(SECONDS)

    together = threading.Barrier(3)
    close_all([cast(SceneSessions, Slow()) for _ in range(3)])


def test_each_seat_has_a_folder_of_its_own(tmp_path: Path) -> None:
    sessions = make_sessions(3, BlenderShelf([], tmp_path), tmp_path / "work", cage=None)
    folders = [one.output_folder() for one in sessions]
    assert len({folder.parent for folder in folders}) == 3
    assert folders[0].parent == tmp_path / "work/output", "as with a single one"
