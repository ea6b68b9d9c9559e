"""When a Blender that grows is opened anew, and when that would cost more than it is worth."""

from __future__ import annotations

import pytest

from worker_agent.seats.session_growth import FIRST_LOOKS, SessionGrowth

GIB = 1024**3


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(
    clock: Clock, first: float = 1.0, *, most: float = 64, opening_seconds: float = 10
) -> SessionGrowth:
    """A session that had so many GiB after each of its first tasks."""
    growth = SessionGrowth(most_bytes=int(most * GIB), opening_seconds=opening_seconds, now=clock)
    for _ in range(FIRST_LOOKS):
        assert not growth.look(int(first * GIB))
    return growth


def test_twice_as_much_and_a_gibibyte_is_too_much(clock: Clock) -> None:
    growth = opened(clock)
    clock.seconds = 1_000
    assert growth.look(3 * GIB) == ""
    assert growth.look(3 * GIB + 1) == "it has grown from 1 GiB to 3 GiB"


def test_what_a_scene_keeps_after_its_first_frames_is_no_growth(clock: Clock) -> None:
    growth = SessionGrowth(most_bytes=64 * GIB, opening_seconds=0, now=clock)
    looks = [growth.look(size * GIB) for size in (1, 10, 5, 21, 22)]
    assert looks == ["", "", "", "", "it has grown from 10 GiB to 22 GiB"]


def test_opening_anew_takes_a_twentieth_of_the_time_at_most(clock: Clock) -> None:
    growth = opened(clock, opening_seconds=60)
    clock.seconds = 1_199
    assert not growth.look(10 * GIB)
    clock.seconds = 1_200
    assert growth.look(10 * GIB)


def test_what_would_soon_be_ended_is_opened_anew_whatever_that_takes(clock: Clock) -> None:
    growth = opened(clock, first=7, most=16, opening_seconds=3_600)
    assert not growth.look(int(11.1 * GIB))
    assert growth.look(int(11.3 * GIB)) == "it has grown from 7 GiB to 11.3 GiB, and would end at 16 GiB"


def test_several_share_the_memory(clock: Clock) -> None:
    growth = opened(clock, first=2, most=16, opening_seconds=3_600)
    assert not growth.look(int(3.7 * GIB), 3)
    assert growth.look(int(3.8 * GIB), 3) == "it has grown from 2 GiB to 3.8 GiB, and 3 share 16 GiB"
    assert not growth.look(int(3.8 * GIB), 2)


def test_a_scene_that_is_merely_large_stays_open(clock: Clock) -> None:
    growth = opened(clock, first=13, most=16)
    clock.seconds = 1e6
    assert not growth.look(15 * GIB)
