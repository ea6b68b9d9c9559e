"""When a Blender that grows is opened anew, and when that would cost more than it is worth."""

from __future__ import annotations

from worker_agent.seats.session_growth import FIRST_TURNS, OPENINGS_APART, USUAL_OF_TURNS, SessionGrowth

GIB = 1024**3


class Session:
    """What is looked at of one after each of its tasks, of which each had one frame."""

    def __init__(self, *, most: float = 64, opening_seconds: float = 10) -> None:
        """`most`: GiB."""
        self.growth = SessionGrowth(most_bytes=int(most * GIB), opening_seconds=opening_seconds)
        self.frames, self.seconds = 0, 0.0

    def renders(self, size: float, seconds: float = 1.0, *, frames: int = 1, sessions: int = 1) -> str:
        """A task, after which it has so many GiB: what is found then."""
        self.frames += frames
        self.seconds += seconds
        return self.looks(size, sessions)

    def looks(self, size: float, sessions: int = 1) -> str:
        self.growth.look(int(size * GIB), frames=self.frames, seconds=self.seconds)
        return self.growth.excess(sessions)


def opened(
    first: float = 1.0, *, most: float = 64, opening_seconds: float = 10, seconds: float = 1.0
) -> Session:
    """A session that had so many GiB after each of its first tasks, which took so many seconds each."""
    session = Session(most=most, opening_seconds=opening_seconds)
    for _ in range(FIRST_TURNS):
        assert not session.renders(first, seconds)
    return session


def test_twice_as_much_and_a_gibibyte_is_too_much() -> None:
    session = opened()
    assert session.renders(3, 1_000) == ""
    assert session.renders(3 + 1 / GIB) == "it has grown from 1 GiB to 3 GiB"


def test_what_a_scene_keeps_after_its_first_frames_is_no_growth() -> None:
    session = Session(opening_seconds=0)
    found = [session.renders(size) for size in (1, 10, 5, 21, 22)]
    assert found == ["", "", "", "", "it has grown from 10 GiB to 22 GiB"]


def test_opening_anew_takes_less_than_a_twentieth_of_the_time() -> None:
    session = opened(opening_seconds=60)
    assert not session.renders(10, 60 * OPENINGS_APART - FIRST_TURNS - 1)
    assert session.renders(10)
    assert 60 / (60 + session.seconds) < 1 / 20


def test_only_rendering_pays_for_it() -> None:
    session = opened(opening_seconds=1)
    for _ in range(100):
        assert not session.looks(10), "it is looked at, and has rendered no more"
    assert session.renders(10, OPENINGS_APART)


def test_what_its_first_frames_take_longer_is_paid_for_too() -> None:
    """An opening of 1 s after which a scene is built in 10 s that later frames are spared."""
    session = Session(opening_seconds=1)
    session.renders(1, 11)
    session.renders(1, 1)
    session.renders(1, 1)
    rendered = 0
    while not session.renders(10, 1):
        rendered += 1
        assert rendered < 1_000
    assert session.growth.cost_seconds == 11
    assert session.seconds == 11 * OPENINGS_APART


def test_a_task_of_more_frames_is_not_a_slow_one() -> None:
    session = Session(opening_seconds=1)
    session.renders(1, 25, frames=10)
    session.renders(1, 20, frames=10)
    session.renders(1, 20, frames=10)
    session.renders(1, 20, frames=10)
    assert session.growth.cost_seconds == 1 + 5


def test_one_late_frame_is_not_what_frames_usually_take() -> None:
    session = Session(opening_seconds=1)
    session.renders(1, 3)
    for seconds in (1, 1, 1, 1, 100):
        session.renders(1, seconds)
    assert session.growth.cost_seconds == 3


def test_first_frames_that_are_late_and_early_by_chance_have_cost_nothing() -> None:
    session = Session(opening_seconds=1)
    for seconds in (1.5, 0.5, 1, 1):
        session.renders(1, seconds)
    assert session.growth.cost_seconds == 1


def test_a_machine_that_has_become_quick_has_made_no_opening_dear() -> None:
    """Others were at it beside when this scene was opened, and went."""
    session = opened(opening_seconds=1, seconds=5)
    for seconds in (*[5] * USUAL_OF_TURNS, *[1] * 50):
        session.renders(1, seconds)
    assert session.growth.cost_seconds == 1


def test_frames_that_grow_slower_have_made_no_opening_dear() -> None:
    session = opened(opening_seconds=2, seconds=1)
    session.renders(1, 5)
    assert session.growth.cost_seconds == 2


def test_what_would_soon_be_ended_is_opened_anew_whatever_that_takes() -> None:
    session = opened(7, most=16, opening_seconds=3_600)
    assert not session.renders(11.1)
    assert session.renders(11.3) == "it has grown from 7 GiB to 11.3 GiB, and would end at 16 GiB"


def test_several_share_the_memory() -> None:
    session = opened(2, most=16, opening_seconds=3_600)
    assert not session.renders(3.7, sessions=3)
    assert session.renders(3.8, sessions=3) == "it has grown from 2 GiB to 3.8 GiB, and 3 share 16 GiB"
    assert not session.renders(3.8, sessions=2)


def test_a_scene_that_is_merely_large_stays_open() -> None:
    session = opened(13, most=16)
    assert not session.renders(15, 1e6)


def test_its_end_is_foreseen_by_a_task() -> None:
    """As it grows by 0.5 GiB with each: the next Blender starts while the last frame renders."""
    session = opened(opening_seconds=0)
    found = []
    for size in (1.5, 2.0, 2.5, 3.0, 3.5):
        excess = session.renders(size)
        found.append((size, session.growth.is_foreseen(), bool(excess)))
    assert found == [
        (1.5, False, False),
        (2.0, False, False),
        (2.5, False, False),
        (3.0, True, False),
        (3.5, True, True),
    ]


def test_that_it_will_have_paid_is_foreseen_too() -> None:
    session = opened(opening_seconds=1)
    found = []
    while not session.renders(10):
        found.append(session.growth.is_foreseen())
    assert found == [False] * (len(found) - 1) + [True]
    assert len(found) == OPENINGS_APART - FIRST_TURNS - 1


def test_what_has_shrunk_is_not_foreseen_to_shrink_further() -> None:
    session = opened(opening_seconds=0)
    session.renders(5)
    session.renders(3.5)
    assert session.growth.is_foreseen()
