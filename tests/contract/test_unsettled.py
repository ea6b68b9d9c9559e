"""When the fleet is worth another look before the minute is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.frame_time import JobFrames
from contract.scaling import SMALL_FLEET, TELLING_FRAMES
from tests.support.backlogs import LIMITS, job, measured


@pytest.mark.parametrize(
    ("bakes", "unbaked", "capacity", "jobs", "unsettled", "why"),
    [
        (0, 0, 0, [], False, "nothing to do"),
        (0, 0, 1, [job(100, 60)], True, "the fleet is to grow, and has not yet"),
        (0, 0, 10, [job(100, 60)], False, "everybody renders: a look a minute does"),
        (1, 0, 5, [job(5, 60)], True, "a bake ends at any time, and its frames are many or few"),
        (0, 1, 5, [job(5, 60)], True, "the bake's record is there before the queue counts its task"),
        (0, 0, 5, [job(5, 60), JobFrames(frames_left=5)], True, "nobody knows how long the others take"),
        (0, 0, 5, [JobFrames(frames_left=5, running_seconds=(100.0,) * 5)], True, "the longer they run"),
        (0, 0, 5, [JobFrames(frames_left=5, running_seconds=(600.0,) * 5)], False, "five want five"),
        (
            0,
            0,
            5,
            [JobFrames(frames_left=5, frames_timed=TELLING_FRAMES - 1, timed_seconds=20)],
            True,
            "by chance?",
        ),
        (
            0,
            0,
            5,
            [JobFrames(frames_left=5, frames_timed=TELLING_FRAMES, timed_seconds=30)],
            False,
            "all alike",
        ),
        (0, 0, 5, [job(5, 60), JobFrames(frames_left=0)], False, "the other one's are done"),
        (1, 1, 19, [job(5, 60)], True, "room for one"),
        (1, 1, SMALL_FLEET, [job(100, 60)], False, "a large fleet grows by tracking, each minute"),
    ],
)
def test_it_is_worth_another_look_while_the_fleet_may_be_to_grow(
    bakes: int, unbaked: int, capacity: int, jobs: list[JobFrames], unsettled: bool, why: str
) -> None:
    roomy = replace(LIMITS, max_workers=SMALL_FLEET + 10)
    frames = sum(one.frames_left for one in jobs)
    backlog = measured(bakes, frames, capacity, *jobs, limits=roomy, unbaked=unbaked)
    assert backlog.unsettled is unsettled, why


def test_nothing_is_watched_that_can_become_no_larger() -> None:
    assert measured(1, 0, 4, limits=replace(LIMITS, max_workers=5)).unsettled
    assert not measured(1, 0, 5, limits=replace(LIMITS, max_workers=5)).unsettled
    assert not measured(1, 0, 4, held_at=4).unsettled, "no machine can be set up"
