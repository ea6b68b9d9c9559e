"""How long a job's frames take, from the little that has been seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.frame_time import JobFrames, frame_seconds, left_seconds


@pytest.mark.parametrize(
    ("timed", "timed_seconds", "running", "at_most", "at_least", "why"),
    [
        (0, 0.0, (60.0,), 60, 60, "a frame that has run for a minute takes at least a minute"),
        (0, 0.0, (10.0, 50.0), 50, 50, "and of several as long as the first, as far as anybody knows"),
        (1, 600.0, (), 300, 300, "one frame may be an odd one: half of it is believed"),
        (4, 240.0, (), 60, 48, "four of a minute each"),
        (1000, 60_000.0, (), 60, 59.9, "a thousand: there is no doubt left"),
        (2, 10.0, (300.0, 290.0), 300, 150, "the short ones are done first: the long ones still run"),
    ],
)
def test_rather_too_short_than_too_long(
    timed: int, timed_seconds: float, running: tuple[float, ...], at_most: float, at_least: float, why: str
) -> None:
    job = JobFrames(frames_left=10, frames_timed=timed, timed_seconds=timed_seconds, running_seconds=running)
    usual = frame_seconds(job)
    assert usual is not None
    assert at_least <= usual <= at_most, why
    assert left_seconds(job) == 10 * usual


def test_a_camera_that_flies_into_smoke_is_noticed() -> None:
    past = JobFrames(frames_left=50, frames_timed=100, timed_seconds=500, running_seconds=(1.0,))
    now = JobFrames(
        frames_left=50,
        frames_timed=100,
        timed_seconds=500,
        running_seconds=(1.0,),
        recent_seconds=(40, 42, 44, 41),
    )
    usual = frame_seconds(past), frame_seconds(now)
    assert usual[0] is not None and usual[0] <= 5
    assert usual[1] is not None and 38 <= usual[1] < 42


def test_one_odd_frame_among_recent_ones_is_no_trend() -> None:
    job = JobFrames(
        frames_left=50, frames_timed=100, timed_seconds=1000, recent_seconds=(10, 10, 10, 10, 300)
    )
    assert frame_seconds(job) == pytest.approx(10, rel=0.01)


def test_a_frame_that_hangs_among_short_ones_makes_no_fleet() -> None:
    job = JobFrames(
        frames_left=90,
        frames_timed=10,
        timed_seconds=100,
        running_seconds=(3600.0,),
        recent_seconds=(10.0,) * 3,
    )
    usual = frame_seconds(job)
    assert usual is not None
    assert usual < 13


def test_nothing_seen_is_nothing_known() -> None:
    assert frame_seconds(JobFrames(frames_left=10)) is None
    assert left_seconds(JobFrames(frames_left=10)) is None


@given(st.integers(0, 50), st.integers(0, 30), st.floats(0.1, 40_000), st.data())
def test_frames_of_one_length_are_never_taken_for_longer(
    timed: int, running: int, seconds: float, data: st.DataObject
) -> None:
    """The original started twenty machines for a job that one could do in a quarter of an hour."""
    shares = data.draw(st.lists(st.floats(0, 1), min_size=running, max_size=running))
    job = JobFrames(
        frames_left=1,
        frames_timed=timed,
        timed_seconds=timed * seconds,
        running_seconds=tuple(share * seconds for share in shares),
        recent_seconds=(seconds,) * timed,
    )
    usual = frame_seconds(job)
    assert usual is None if not timed and not running else usual is not None and usual <= seconds * 1.000001
