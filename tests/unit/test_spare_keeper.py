"""When a spare Blender is started, in simulated time."""

from __future__ import annotations

from typing import cast

import pytest

from worker_agent.blender import BlenderKilled
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.seats.spare_blender import SpareBlender
from worker_agent.seats.spare_keeper import LOOK_SECONDS, REST_SECONDS, SpareKeeper
from worker_agent.tasks.outcome import InterruptedTaskError


class World:
    """An agent whose spare Blender is started, or not, and what time it is."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests = True
        self.needs_soon = False
        self.memory_is_short = False
        self.closed = 0
        self.error: Exception | None = None
        self.prepared_at: list[float] = []
        self.keeper = SpareKeeper(
            cast(SpareBlender, self),
            rests=lambda: self.rests,
            needs_soon=lambda: self.needs_soon,
            now=lambda: self.now,
        )

    def prepare(self) -> None:
        self.prepared_at.append(self.now)
        if self.error:
            raise self.error

    def close(self) -> None:
        self.closed += 1

    def pass_seconds(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += LOOK_SECONDS
            self.keeper.look()


@pytest.fixture
def world() -> World:
    return World()


def test_it_is_started_after_a_rest(world: World) -> None:
    world.pass_seconds(REST_SECONDS)
    assert world.prepared_at == []
    world.pass_seconds(LOOK_SECONDS)
    assert world.prepared_at == [REST_SECONDS + LOOK_SECONDS]


def test_a_worker_between_two_tasks_does_not_rest(world: World) -> None:
    for _ in range(20):
        world.rests = not world.rests
        world.pass_seconds(REST_SECONDS)
    assert world.prepared_at == []


@pytest.mark.parametrize(
    "error", [RuntimeUnavailableError("no such Blender"), OSError("no room"), KeyError(1)]
)
def test_what_fails_is_tried_again_ever_more_rarely(world: World, error: Exception) -> None:
    world.error = error
    world.pass_seconds(4 * 3_600)
    pauses = [after - before for before, after in zip(world.prepared_at, world.prepared_at[1:], strict=False)]
    assert pauses == [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]
    world.error = None
    world.pass_seconds(3_600)
    world.error, tries = error, len(world.prepared_at)
    world.pass_seconds(31)
    assert len(world.prepared_at) == tries + 2, "it begins anew after a success"


def test_why_there_is_none_is_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.error = RuntimeUnavailableError("ended by itself", log="Blender 4.5\nno mounts: not permitted\n")
    world.pass_seconds(600)
    world.error = OSError("no room")
    world.pass_seconds(4_000)
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "ended by itself; it said last: no mounts: not permitted",
        "no room",
    ]


def test_it_is_in_the_way_of_work_that_needs_the_memory_only(world: World) -> None:
    world.rests = False
    world.pass_seconds(10)
    assert world.closed == 0
    world.memory_is_short = True
    world.pass_seconds(LOOK_SECONDS)
    assert world.closed == 1


def test_it_is_started_beside_the_last_frame_of_one_that_is_to_be_ended(world: World) -> None:
    world.rests, world.needs_soon = False, True
    world.pass_seconds(LOOK_SECONDS)
    assert world.prepared_at == [LOOK_SECONDS]
    world.needs_soon = False
    world.pass_seconds(10)
    assert world.prepared_at == [LOOK_SECONDS]


def test_there_has_to_be_memory_for_both(world: World) -> None:
    world.rests, world.needs_soon, world.memory_is_short = False, True, True
    world.pass_seconds(LOOK_SECONDS)
    assert (world.prepared_at, world.closed) == ([], 1)


def test_work_does_not_shorten_the_wait_after_a_failure(world: World) -> None:
    world.rests, world.needs_soon = False, True
    world.error = RuntimeUnavailableError("no such Blender")
    world.pass_seconds(29)
    assert world.prepared_at == [LOOK_SECONDS]


@pytest.mark.parametrize("error", [InterruptedTaskError("it has to go"), BlenderKilled("stopped", "killed")])
def test_a_worker_that_has_to_go_is_no_failure(world: World, error: Exception) -> None:
    world.error = error
    world.pass_seconds(10)
    assert len(world.prepared_at) > 10


def test_a_spare_that_takes_the_memory_it_needs_is_not_started_at_each_look(world: World) -> None:
    """While one is needed soon, once: until the Blender that grows is gone, nothing has changed."""
    world.rests, world.needs_soon = False, True
    for _ in range(5):
        world.pass_seconds(LOOK_SECONDS)
        world.memory_is_short = True
        world.pass_seconds(LOOK_SECONDS)
        world.memory_is_short = False
    assert (len(world.prepared_at), world.closed) == (1, 5)
    world.needs_soon = False
    world.pass_seconds(LOOK_SECONDS)
    world.needs_soon = True
    world.pass_seconds(LOOK_SECONDS)
    assert len(world.prepared_at) == 2, "the scene was opened anew"


def test_a_worker_that_rests_has_a_spare_again_after_memory_was_short(world: World) -> None:
    world.rests, world.needs_soon, world.memory_is_short = False, True, True
    world.pass_seconds(LOOK_SECONDS)
    world.rests, world.memory_is_short = True, False
    world.pass_seconds(REST_SECONDS + LOOK_SECONDS)
    assert len(world.prepared_at) == 1
    world.rests = False
    world.pass_seconds(LOOK_SECONDS)
    assert len(world.prepared_at) == 2
