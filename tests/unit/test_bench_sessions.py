"""What `bench.sessions` says of what it found, and whether that is a failure."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.session_verdicts import Choice, Growing, gain_line, growing_lines, pictures_line
from bench.verdict import all_hold
from worker_agent.seats.job_sessions import RenderedTurn

GIB = 1024**3


def choice(used: float, idle: float, count: int, *, fills: bool) -> str:
    turn = RenderedTurn(
        sessions=1,
        frame_seconds=1.0,
        cores_used=used,
        cores_idle=idle,
        memory_bytes=GIB,
        free_memory_bytes=GIB,
    )
    return Choice(scene="scene", processors=2, alone=[turn] * 3, count=count, fills=fills).line


@pytest.mark.parametrize(
    ("used", "idle", "count", "fills", "says"),
    [
        (0.99, 0.97, 2, False, "2, to be at least 2: ok"),
        (0.99, 0.97, 1, False, "1, to be at least 2: NOT OK"),
        (1.9, 0.08, 1, True, "1, to be at most 1: ok"),
        (1.9, 0.08, 2, True, "2, to be at most 1: NOT OK"),
        (0.6, 0.0, 1, False, "not measured, others use 1.40 of 2 processors (1 chosen)"),
        (1.0, 0.0, 1, True, "not measured, others use 1.00 of 2 processors (1 chosen)"),
    ],
)
def test_a_choice_is_held_to_its_scene_where_there_is_one(
    used: float, idle: float, count: int, fills: bool, says: str
) -> None:
    line = choice(used, idle, count, fills=fills)
    assert line == f"scene: sessions that a worker chooses: {says}"
    assert all_hold([line]) is says.endswith(": ok")


@pytest.mark.parametrize(
    ("ratios", "says"),
    [
        ([1.0, 1.2, 1.5], "1.20 (1.00–1.50): 1.20, to be at least 1.10: ok"),
        ([1.099], "1.10 (1.10–1.10): 1.10, to be at least 1.10: NOT OK"),
    ],
)
def test_two_sessions_have_to_bring_what_keeps_the_second(ratios: list[float], says: str) -> None:
    assert gain_line(ratios) == f"one thread: frames of two sessions ÷ of one, {says}"


def test_no_picture_may_differ() -> None:
    assert all_hold([pictures_line(44, 0)])
    assert pictures_line(44, 1).endswith("1, to be at most 0: NOT OK")


def grown(*, opened_anew: bool, pair_seconds: Sequence[float], blenders: int, gib: float) -> Growing:
    return Growing(
        opened_anew=opened_anew,
        frames=len(pair_seconds) * 10,
        pair_seconds=pair_seconds,
        blenders=blenders,
        most_bytes=int(gib * GIB),
    )


@pytest.mark.parametrize(
    ("pace", "blenders", "gib", "wrong"),
    [(0.951, 3, 2, []), (0.949, 3, 2, [1]), (1, 1, 2, [0]), (1, 2, 5, [2])],
)
def test_a_session_that_is_opened_anew_keeps_its_pace_and_less_memory(
    pace: float, blenders: int, gib: float, wrong: list[int]
) -> None:
    anew = grown(opened_anew=True, pair_seconds=[36 / pace] * 3, blenders=blenders, gib=gib)
    left = grown(opened_anew=False, pair_seconds=[36] * 3, blenders=1, gib=5)
    lines = growing_lines(anew, left)
    assert [number for number, line in enumerate(lines) if not all_hold([line])] == wrong
    assert "opened anew as it grows: " in anew.words
    assert "left open: 1000 frames an hour, Blenders: 1, memory: 5 GiB at most" in left.words


def test_each_pace_is_one_of_its_own_pair() -> None:
    """The machine was slow at the second pair, and somebody else was at it beside one of the third."""
    anew = grown(opened_anew=True, pair_seconds=[10, 40, 30], blenders=4, gib=2)
    left = grown(opened_anew=False, pair_seconds=[9.6, 39, 15], blenders=1, gib=5)
    assert growing_lines(anew, left)[1] == (
        "opened anew ÷ left open, frames an hour, 0.960 (0.500–0.975) of 3 pairs: 0.960, "
        "to be at least 0.950: ok"
    )


def test_one_that_is_never_opened_anew_has_no_pace() -> None:
    anew, left = (grown(opened_anew=way, pair_seconds=[], blenders=1, gib=2) for way in (True, False))
    assert "0 frames an hour, Blenders: 1" in anew.words
    assert not all_hold(growing_lines(anew, left)[:1])
    assert growing_lines(anew, left)[1] == (
        "opened anew ÷ left open, frames an hour: not measured, it was never opened anew"
    )


def test_what_was_not_measured_does_not_hold_and_one_bad_line_is_enough() -> None:
    good, bad = pictures_line(1, 0), pictures_line(1, 1)
    assert all_hold([good, good])
    assert not all_hold([good, bad, good])
