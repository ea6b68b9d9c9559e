"""A number of sessions that has fallen rises again: rarely, a step at a time, and only where that holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from tests.support.jobs import a_job
from worker_agent.seats.job_sessions import ENOUGH, JobSessions, RenderedTurn
from worker_agent.seats.session_ceiling import (
    FIRST_WAIT_SECONDS,
    HELD_TURNS,
    LONGEST_WAIT_SECONDS,
    SessionCeiling,
)
from worker_agent.seats.session_count import SessionCounts

GIB = 1024**3
HOUR = 3_600.0
TURN = RenderedTurn(
    sessions=1,
    frame_seconds=60.0,
    cores_used=1.0,
    cores_idle=35.0,
    memory_bytes=GIB,
    free_memory_bytes=200 * GIB,
)
Render = Callable[[int], RenderedTurn | None]
"""What a turn beside so many shows; None: its frame fails."""


def well(sessions: int) -> RenderedTurn:
    return replace(TURN, sessions=sessions)


@dataclass
class Film:
    """A job whose tasks take a minute each, side by side; and when its number changed."""

    count: int
    seconds: float = 0.0
    job: JobSessions = field(init=False)
    changes: list[tuple[float, int]] = field(default_factory=list)
    """Seconds and the number from then on."""
    rendered: int = 0

    def __post_init__(self) -> None:
        """The number is settled, as many as fill the machine."""
        self.job = JobSessions(SessionCeiling(lambda: self.seconds))
        idle = self.count / ENOUGH - 1.05
        while self.job.count < self.count or not self.job.settled:
            self.job.add(replace(TURN, sessions=self.job.count, cores_idle=idle))

    def render(self, seconds: float, show: Render = well) -> list[int]:
        """Render for so long, and return the numbers that it had, one after another."""
        numbers, until = [self.job.count], self.seconds + seconds
        while self.seconds < until:
            self.seconds += TURN.frame_seconds / self.job.count
            if turn := show(self.job.count):
                self.rendered += 1
                self.job.add(turn)
            else:
                self.job.fail(self.job.count)
            if self.job.count != numbers[-1]:
                numbers.append(self.job.count)
                self.changes.append((self.seconds, self.job.count))
        return numbers


def fails_beyond(most: int) -> Render:
    return lambda sessions: well(sessions) if sessions <= most else None


@pytest.fixture
def film() -> Film:
    """Settled at 8, and one frame has failed by it."""
    film = Film(8)
    film.job.fail(8)
    assert film.job.count == 4
    return film


def test_after_one_failure_all_come_back_a_step_at_a_time(film: Film) -> None:
    assert film.render(3 * HOUR) == [4, 6, 7, 8]
    times = [0.0] + [seconds for seconds, _ in film.changes]
    assert all(
        FIRST_WAIT_SECONDS <= later - sooner < 1.2 * FIRST_WAIT_SECONDS for sooner, later in pairwise(times)
    )
    assert film.job.settled
    assert film.render(24 * HOUR) == [8], "and no further"


def test_a_crowded_out_frame_costs_a_tenth_of_a_day_at_most(film: Film) -> None:
    film.render(24 * HOUR)
    assert film.rendered > 0.9 * 8 * 24 * 60


def test_frames_that_failed_with_the_first_are_no_further_failures(film: Film) -> None:
    for _ in range(7):
        film.job.fail(8)
    film.render(1.2 * FIRST_WAIT_SECONDS)
    assert film.job.count == 6


def test_time_alone_says_nothing(film: Film) -> None:
    film.seconds += 100 * HOUR
    for _ in range(HELD_TURNS - 1):
        film.job.add(well(4))
    assert film.job.count == 4
    for _ in range(5):
        film.job.add(well(4))
    assert film.job.count == 6, "their fifth ends the look at which enough have ended well"


def test_turns_alone_say_nothing(film: Film) -> None:
    for _ in range(1_000):
        film.job.add(well(4))
    assert film.job.count == 4


def test_tasks_beside_fewer_say_nothing_of_more(film: Film) -> None:
    film.seconds += 100 * HOUR
    for _ in range(1_000):
        film.job.add(well(3))
    assert film.job.count == 4


def test_more_that_fail_again_fall_to_what_held_and_wait_twice_as_long(film: Film) -> None:
    assert film.render(3 * FIRST_WAIT_SECONDS, fails_beyond(4))[:3] == [4, 6, 4], "not to half of six"
    film.render(120 * HOUR, fails_beyond(4))
    assert {count for _, count in film.changes} == {4, 6}
    tries = [seconds for seconds, count in film.changes if count == 6]
    waits = [later - sooner for sooner, later in pairwise(tries)]
    for number, wait in enumerate(waits, start=1):
        due = min(2**number * FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        assert due <= wait < 1.1 * due + 120
    assert waits[-1] >= LONGEST_WAIT_SECONDS, "the longest was reached"
    assert len(tries) < 21, "in five days"


def test_a_higher_number_that_holds_is_found(film: Film) -> None:
    film.render(200 * HOUR, fails_beyond(6))
    assert {count for _, count in film.changes} == {6, 7}


def test_a_step_up_that_fails_late_falls_to_what_held(film: Film) -> None:
    film.render(1.2 * HOUR)
    assert film.job.count == 7
    film.job.fail(7)
    assert film.job.count == 6


def test_back_where_it_was_it_falls_to_the_last_that_held(film: Film) -> None:
    film.render(3 * HOUR)
    film.job.fail(8)
    assert film.job.count == 7
    film.job.fail(7)
    assert film.job.count == 3
    assert film.render(24 * HOUR)[-1] == 8


def test_a_number_that_still_rose_when_it_failed_comes_to_what_was_wanted() -> None:
    film = Film(1)
    film.job = JobSessions(SessionCeiling(lambda: film.seconds))
    assert film.render(180) == [1, 2]
    assert not film.job.settled
    film.job.fail(2)
    assert film.job.count == 1
    assert film.render(24 * HOUR) == [1, 2, 4, 8, 16, 24, 28, 30, 31]


def test_one_left_of_two_becomes_two_again_however_slow_its_frames_have_become() -> None:
    film = Film(2)
    film.render(60)
    film.job.fail(2)
    assert film.render(FIRST_WAIT_SECONDS / 2) == [1]
    assert film.render(HOUR, lambda sessions: replace(TURN, sessions=sessions, frame_seconds=300.0)) == [1, 2]


def test_more_that_render_no_more_are_taken_back_and_wait_twice_as_long(film: Film) -> None:
    def as_many(sessions: int) -> RenderedTurn:
        return replace(TURN, sessions=sessions, frame_seconds=60.0 * max(1.0, sessions / 4))

    film.render(6 * HOUR, as_many)
    assert {count for _, count in film.changes} == {4, 6}
    first, second, third = [seconds for seconds, count in film.changes if count == 6]
    assert 2 * FIRST_WAIT_SECONDS <= second - first < 2.2 * FIRST_WAIT_SECONDS
    assert 4 * FIRST_WAIT_SECONDS <= third - second < 4.2 * FIRST_WAIT_SECONDS


def test_a_step_that_was_allowed_and_brings_nothing_lowers_no_ceiling(film: Film) -> None:
    """Four are allowed, one was as quick for a while: that two were no quicker says nothing of eight."""

    def shared_evenly(sessions: int) -> RenderedTurn:
        return replace(TURN, sessions=sessions, frame_seconds=400.0 * sessions)

    film.render(60 * 4)
    assert film.render(FIRST_WAIT_SECONDS / 2, shared_evenly) == [4, 2, 1]
    assert film.render(1.5 * HOUR, shared_evenly)[:3] == [1, 2, 1]
    assert film.job.ceiling.most == 4
    film.changes.clear()
    numbers = film.render(5 * HOUR)
    assert numbers[0] == 1
    assert numbers[-1] == 8
    times = [seconds for seconds, _ in film.changes]
    assert all(later - sooner < 1.2 * FIRST_WAIT_SECONDS for sooner, later in pairwise(times))


def test_fewer_for_want_of_memory_are_more_again_when_frames_need_less() -> None:
    film = Film(8)

    def large(sessions: int) -> RenderedTurn:
        return replace(
            TURN, sessions=sessions, memory_bytes=4 * GIB, free_memory_bytes=(16 - 4 * sessions) * GIB
        )

    assert film.render(24 * HOUR, large) == [8, 2], "no more is tried while there is no room"
    assert film.render(24 * HOUR) == [2, 4, 6, 7, 8]


@pytest.mark.parametrize(("beside", "back"), [(6, [3, 5, 6]), (7, [3, 5, 6]), (4, [2, 4, 5, 6])])
def test_what_the_owner_said_comes_back_too(beside: int, back: list[int]) -> None:
    seconds = 0.0
    counts = SessionCounts(6, processors=2, now=lambda: seconds)
    counts.fail(a_job(), beside)
    numbers = [counts.count(a_job())]
    for _ in range(3 * 60):
        seconds += 60
        counts.add(a_job(), well(1))
        assert counts.count(a_job()) == back[0], "one beside nobody says nothing"
    for _ in range(24 * 60):
        seconds += 60
        counts.add(a_job(), well(numbers[-1]))
        if counts.count(a_job()) != numbers[-1]:
            numbers.append(counts.count(a_job()))
    assert numbers == back
