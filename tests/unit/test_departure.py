"""Why a worker has to go and how long it has, by a clock that the test moves."""

from __future__ import annotations

import math
import threading
import time

import pytest

from contract.tasks import BakeTask, FinishTask, RenderTask, Task
from worker_agent.interruptions.departure import Departure, Interruption, Notice
from worker_agent.interruptions.drain import Verdict, judge
from worker_agent.tasks.lease import BlenderUse

SPOT, SCALE_IN, REBALANCE, STOP = (
    Interruption.SPOT,
    Interruption.SCALE_IN,
    Interruption.REBALANCE,
    Interruption.STOP,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def departure(clock: Clock) -> Departure:
    return Departure(clock)


def test_nobody_has_to_go_at_first(departure: Departure) -> None:
    assert (departure.leaving, departure.kind, departure.seconds_left()) == (False, None, math.inf)


def test_time_runs_from_the_notice_on(departure: Departure, clock: Clock) -> None:
    departure.announce(Notice(kind=SPOT, seconds=100, name="1"))
    clock.now += 30
    departure.announce(Notice(kind=SPOT, seconds=100, name="1"))  # read again
    assert departure.seconds_left() == 70
    clock.now += 100
    assert departure.seconds_left() == 0


@pytest.mark.parametrize(("first", "second"), [(REBALANCE, SPOT), (SPOT, STOP), (SCALE_IN, SPOT)])
def test_a_harder_notice_shortens_the_time(
    departure: Departure, first: Interruption, second: Interruption
) -> None:
    departure.announce(Notice(kind=first, seconds=120))
    departure.announce(Notice(kind=second, seconds=40))
    assert (departure.kind, departure.seconds_left()) == (second, 40)
    assert departure.has(first)


def test_a_softer_notice_lengthens_nothing(departure: Departure) -> None:
    departure.announce(Notice(kind=SPOT, seconds=40))
    departure.announce(Notice(kind=REBALANCE, seconds=120))
    assert (departure.kind, departure.seconds_left()) == (SPOT, 40)


def test_of_two_notices_of_a_kind_the_shorter_holds(departure: Departure) -> None:
    departure.announce(Notice(kind=SPOT, seconds=40, name="1"))
    departure.announce(Notice(kind=SPOT, seconds=90, name="2"))
    assert departure.seconds_left() == 40


def test_what_was_called_off_is_heeded_when_it_is_another_notice(departure: Departure) -> None:
    departure.announce(Notice(kind=REBALANCE, seconds=120, name="1"))
    departure.call_off(REBALANCE)
    departure.announce(Notice(kind=REBALANCE, seconds=120, name="1"))
    assert not departure.leaving
    departure.announce(Notice(kind=REBALANCE, seconds=120, name="2"))
    assert departure.leaving


def test_a_notice_ends_a_wait(departure: Departure) -> None:
    seen = departure.announcements
    threading.Timer(0.1, departure.announce, [Notice(kind=STOP, seconds=1)]).start()
    began = time.monotonic()
    departure.wait(30, seen)
    departure.wait(30, seen)  # it came before this wait began
    assert time.monotonic() - began < 5


RENDER, BAKE, FINISH = RenderTask("a", "1"), BakeTask("a"), FinishTask("a")


@pytest.mark.parametrize(
    ("task", "scene_is_open", "frame_seconds", "seconds_left", "since_kill", "verdict"),
    [
        (RENDER, True, 109.0, 120.0, None, Verdict.WAIT),
        (RENDER, True, 111.0, 120.0, None, Verdict.KILL),  # ten are for its upload
        (RENDER, True, None, 120.0, None, Verdict.KILL),  # nobody knows
        (RENDER, True, 0.0, 120.0, None, Verdict.WAIT),  # late, or uploaded just now
        (RENDER, True, 0.0, 9.9, None, Verdict.KILL),  # its estimate was wrong
        (RENDER, False, 0.0, 120.0, None, Verdict.KILL),  # the scene is still being opened
        (BAKE, False, 0.0, 120.0, None, Verdict.KILL),
        (FINISH, False, 0.0, 120.0, None, Verdict.WAIT),
        (FINISH, False, 0.0, 1.9, None, Verdict.TAKE_AWAY),
        (RENDER, True, None, 100.0, 2.9, Verdict.KILL),
        (RENDER, True, None, 100.0, 3.1, Verdict.TAKE_AWAY),  # its handler hangs
        (RENDER, True, 0.0, 6.0, 4.0, Verdict.KILL),  # an upload goes on without Blender
        (RENDER, True, 0.0, 1.0, 9.0, Verdict.TAKE_AWAY),
    ],
)
def test_what_becomes_of_the_task_in_hand(
    task: Task,
    scene_is_open: bool,
    frame_seconds: float | None,
    seconds_left: float,
    since_kill: float | None,
    verdict: Verdict,
) -> None:
    found = judge(
        task,
        use=BlenderUse.AT,
        scene_is_open=scene_is_open,
        frame_seconds=frame_seconds,
        seconds_left=seconds_left,
        seconds_since_kill=since_kill,
    )
    assert found is verdict


@pytest.mark.parametrize("use", [BlenderUse.BEFORE, BlenderUse.AFTER])
@pytest.mark.parametrize("since_kill", [None, 9.0])
@pytest.mark.parametrize(("seconds_left", "verdict"), [(20.0, Verdict.WAIT), (1.0, Verdict.TAKE_AWAY)])
def test_a_task_beside_the_one_that_renders_is_not_judged_by_its_frame(
    use: BlenderUse, since_kill: float | None, seconds_left: float, verdict: Verdict
) -> None:
    """One waits for its turn and lets go by itself, another is uploaded, though its Blender was killed."""
    found = judge(
        RENDER,
        use=use,
        scene_is_open=True,
        frame_seconds=None,
        seconds_left=seconds_left,
        seconds_since_kill=since_kill,
    )
    assert found is verdict
