"""The threads that do what was claimed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from worker_agent.tasks import hands as hands_module
from worker_agent.tasks.hands import Hands
from worker_agent.watchdog import Watchdog

PATIENCE_SECONDS = 20


@pytest.fixture
def hands() -> Iterator[Hands]:
    hands = Hands(count=2)
    hands.start()
    yield hands
    hands.stop()


def _meet(meeting: threading.Barrier) -> None:
    meeting.wait(PATIENCE_SECONDS)


def _hang(released: threading.Event) -> None:
    released.wait(PATIENCE_SECONDS)


def wait_until_idle(hands: Hands) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while hands.busy and time.monotonic() < until:
        hands.wait(1, hands.changes)
    assert not hands.busy


def test_two_tasks_are_done_at_once(hands: Hands) -> None:
    meeting = threading.Barrier(2)
    for _ in range(2):
        hands.give(lambda: _meet(meeting))
    assert hands.are_full
    wait_until_idle(hands)
    assert hands.ended() == (2, []), "each waited for the other"
    assert hands.ended() == (0, []), "said once"


def test_an_error_is_told_and_ends_no_hand(hands: Hands) -> None:
    def fail() -> None:
        raise ConnectionError("S3 is away")

    for work in (fail, lambda: None, fail):
        hands.give(work)
        wait_until_idle(hands)
    ended, errors = hands.ended()
    assert (ended, [str(error) for error in errors]) == (3, ["S3 is away"] * 2)


def test_who_waits_hears_of_a_change_at_once(hands: Hands) -> None:
    seen = hands.changes
    threading.Timer(0.05, hands.stir).start()
    began = time.monotonic()
    hands.wait(2, seen)
    assert time.monotonic() - began < 1.5
    hands.wait(2, seen)
    assert time.monotonic() - began < 1.5, "it came before the wait"


def test_idle_hands_are_heard_and_stuck_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands_module, "BEAT_SECONDS", 0.02)
    alive = threading.Semaphore(0)
    hands = Hands(count=2, part=Watchdog(alive.release).part)
    hands.start()
    stuck = threading.Event()
    try:
        assert all(alive.acquire(timeout=PATIENCE_SECONDS) for _ in range(3))
        hands.give(lambda: _hang(stuck))
        time.sleep(0.2)
        while alive.acquire(blocking=False):
            pass
        assert not alive.acquire(timeout=0.3), "a hand says nothing"
    finally:
        stuck.set()
        hands.stop()
