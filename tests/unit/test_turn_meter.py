"""What is measured of the Blenders of a worker while they have a turn."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from typing import cast

import psutil
import pytest

from tests.support.several_seats import JOB, SeatedWorker, a_lease, hands
from worker_agent.blender import BlenderSession
from worker_agent.seats.turn_meter import Reading, TurnMeter


def test_what_a_turn_has_shown_is_told_with_the_most_that_were_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = SeatedWorker()

    class Session:
        frames_rendered = 1
        memory_bytes = 5
        peak_memory_bytes = 7

        def forget_peak(self) -> None:
            pass

    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100))
    readings = iter([Reading(10, 100, 1000), Reading(14, 106, 1002), Reading(0, 0, 0), Reading(1, 0, 0)])
    meter = TurnMeter(cast(BlenderSession, Session()), lambda _: next(readings))
    idle = TurnMeter(cast(BlenderSession, Session()), lambda _: next(readings))  # takes the second reading
    with ExitStack() as stack:
        (other,) = hands(worker, JOB)
        lease = a_lease()
        stack.enter_context(worker.turns.turn(lease, JOB))
        (third,) = hands(worker, JOB)
        for hand in (other, third):
            hand.lets_go()
        (fourth,) = hands(worker, JOB)
        fourth.lets_go()
        meter.add(1.5)
        meter.add(2.5)
        worker.turns.measured(lease, JOB, idle)
        assert worker.counts.told == [], "no frame was rendered"
        del idle
        readings = iter([Reading(14, 106, 1002)])
        worker.turns.measured(lease, JOB, meter)
    ((job_id, turn),) = worker.counts.told
    assert (job_id, turn.sessions, turn.frame_seconds) == (JOB.job_id, 3, 2.0)
    assert (turn.cores_used, turn.cores_idle, turn.memory_bytes) == (1.5, 0.5, 7)
    assert turn.free_memory_bytes == 94, "with all three at their peak"


def test_the_first_frames_of_a_blender_say_nothing_of_it() -> None:
    class Session:
        frames_rendered = 0

    readings = iter([Reading(14, 106, 1002)])
    session = Session()
    meter = TurnMeter(cast(BlenderSession, session), lambda _: next(readings))
    session.frames_rendered = 1
    meter.add(1.5)
    assert meter.end(1) is None
