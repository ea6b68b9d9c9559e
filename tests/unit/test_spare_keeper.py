"""When a spare Blender is started, in simulated time."""

from __future__ import annotations

from typing import cast

import pytest

from worker_agent.outcome import InterruptedTaskError
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.seats.spare_blender import SpareBlender
from worker_agent.seats.spare_keeper import LOOK_SECONDS, REST_SECONDS, SpareKeeper


class World:
    """An agent whose spare Blender is started, or not, and what time it is."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests = True
        self.error: Exception | None = None
        self.prepared_at: list[float] = []
        self.keeper = SpareKeeper(
            cast(SpareBlender, self),
            rests=lambda: self.rests,
            now=lambda: self.now,
        )

    def prepare(self) -> None:
        self.prepared_at.append(self.now)
        if self.error:
            raise self.error

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


@pytest.mark.parametrize("error", [RuntimeUnavailableError("no such Blender"), OSError("no room")])
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


def test_a_worker_that_has_to_go_is_no_failure(world: World) -> None:
    world.error = InterruptedTaskError("the worker has to go")
    world.pass_seconds(10)
    assert len(world.prepared_at) > 10
