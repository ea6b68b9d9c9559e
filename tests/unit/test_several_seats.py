"""Several Blenders on one worker: who gets which, who waits, and who is ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psutil
import pytest

from contract.job import Job
from tests.support.jobs import a_job
from worker_agent.blender import BlenderDied, BlenderError, BlenderSession, BlenderTimedOut
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.job_sessions import RenderedTurn
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.seat import close_all, make_seats, make_sessions
from worker_agent.seats.seat_clocks import SeatClocks
from worker_agent.seats.session_count import SessionCounts
from worker_agent.seats.turn_meter import Reading, TurnMeter
from worker_agent.tasks.lease import BlenderUse, Lease
from worker_agent.tasks.outcome import InterruptedTaskError
from worker_agent.tasks.task_queue import Message, TaskQueue

SECONDS = 5.0
JOB, OTHER = a_job("film-1"), a_job("film-2")


class Blenders:
    """What a seat's SceneSessions would be asked."""

    def __init__(self) -> None:
        self.kills = self.closes = 0
        self.scene_is_open = True
        self.foreseen: list[Job | None] = []

    def kill(self) -> bool:
        self.kills += 1
        return True

    def close(self) -> None:
        self.closes += 1

    def foresee(self, job: Job | None) -> None:
        self.foreseen.append(job)


class Counts(SessionCounts):
    """Says what a test wants."""

    def __init__(self, number: int) -> None:
        super().__init__(number, processors=8)
        self.number = number
        self.told: list[tuple[str, RenderedTurn]] = []
        self.failed: list[int] = []

    def count(self, job: Job) -> int:
        return self.number

    def add(self, job: Job, turn: RenderedTurn) -> None:
        self.told.append((job.job_id, turn))

    def fail(self, job: Job, sessions: int) -> None:
        self.failed.append(sessions)


@dataclass
class Worker:
    number: int = 3
    stopped: bool = False

    def __post_init__(self) -> None:
        self.blenders = [Blenders() for _ in range(4)]
        self.seats = make_seats([cast(SceneSessions, blender) for blender in self.blenders])
        self.counts = Counts(self.number)
        self.changes = 0
        self.turns = BlenderTurns(
            self.seats, self.counts, stopped=lambda: self.stopped, changed=self._has_changed
        )

    def _has_changed(self) -> None:
        self.changes += 1


class Hand(threading.Thread):
    """Has a turn from when it gets one until it is told to let go."""

    def __init__(self, worker: Worker, job: Job | None) -> None:
        super().__init__(daemon=True)
        self.turns, self.job = worker.turns, job
        self.worker = worker
        self.lease = a_lease()
        self.got, self.done = threading.Event(), threading.Event()
        self.seat: int | None = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            with self.turns.turn(self.lease, self.job) as seat:
                self.seat = self.worker.seats.index(seat)
                self.got.set()
                self.done.wait(SECONDS)
        except InterruptedTaskError as error:
            self.error = error

    def gets(self) -> int | None:
        """Its seat, when it comes to one."""
        assert self.got.wait(SECONDS), "it waits for ever"
        return self.seat

    def waits(self) -> bool:
        return not self.got.wait(0.3)

    def lets_go(self) -> None:
        self.done.set()
        self.join(SECONDS)


def a_lease() -> Lease:
    return Lease(cast(TaskQueue, None), Message("m", "receipt", ""), 120, lambda: None)


@pytest.fixture
def worker() -> Iterator[Worker]:
    yield Worker()


def hands(worker: Worker, *jobs: Job | None) -> list[Hand]:
    """One after another, each once the one before has had its chance."""
    made = []
    for job in jobs:
        made.append(Hand(worker, job))
        made[-1].got.wait(0.2)
    return made


def test_a_job_has_as_many_seats_as_are_useful(worker: Worker) -> None:
    *at, late = hands(worker, JOB, JOB, JOB, JOB)
    assert [hand.gets() for hand in at] == [0, 1, 2]
    assert late.waits()
    at[1].lets_go()
    assert late.gets() == 1
    assert [blender.closes for blender in worker.blenders] == [0, 0, 0, 0]
    for hand in (*at, late):
        hand.lets_go()


def test_another_job_waits_until_the_machine_is_free_and_nobody_passes_it(worker: Worker) -> None:
    one, two, other, late = hands(worker, JOB, JOB, OTHER, JOB)
    assert other.waits()
    assert late.waits(), "it came later"
    one.lets_go()
    assert other.waits()
    two.lets_go()
    assert other.gets() == 0
    assert [blender.closes for blender in worker.blenders] == [0, 1, 0, 0], "it holds another job's memory"
    assert late.waits()
    other.lets_go()
    assert late.gets() == 0
    late.lets_go()


def test_a_job_that_was_prepared_anew_is_another(worker: Worker) -> None:
    one, again = hands(worker, JOB, replace(JOB, baked_folder="baked-2"))
    assert again.waits()
    one.lets_go()
    assert again.gets() == 0
    again.lets_go()


def test_a_bake_has_the_machine_alone(worker: Worker) -> None:
    one, two, bake, late = hands(worker, JOB, JOB, None, JOB)
    assert bake.waits()
    one.lets_go()
    two.lets_go()
    assert bake.gets() == 0
    assert worker.blenders[1].closes == 1
    assert worker.turns.seconds_until_free() is None
    assert late.waits()
    bake.lets_go()
    assert late.gets() == 0
    late.lets_go()


def test_fewer_seats_from_now_on_end_the_blenders_beyond(worker: Worker) -> None:
    one, two, three = hands(worker, JOB, JOB, JOB)
    worker.counts.number = 2
    one.lets_go()
    (late,) = hands(worker, JOB)
    assert late.waits(), "two are at it still"
    two.lets_go()
    assert late.gets() == 0
    assert [blender.closes for blender in worker.blenders] == [0, 0, 0, 0], "the third one still renders"
    worker.counts.number = 1
    for hand in (three, late):
        hand.lets_go()
    (last,) = hands(worker, JOB)
    assert last.gets() == 0
    assert [blender.closes for blender in worker.blenders] == [0, 1, 1, 0]
    last.lets_go()


def test_only_the_own_blender_is_ended(worker: Worker) -> None:
    one, two, three, late = hands(worker, JOB, JOB, JOB, JOB)
    worker.blenders[1].scene_is_open = False
    assert worker.turns.kill(two.lease)
    assert not worker.turns.kill(late.lease), "it has none"
    assert not worker.turns.kill(a_lease())
    assert [blender.kills for blender in worker.blenders] == [0, 1, 0, 0]
    assert [worker.turns.scene_is_open(hand.lease) for hand in (one, two, three, late)] == [
        True,
        False,
        True,
        False,
    ]
    for hand in (one, two, three, late):
        hand.lets_go()
    assert not worker.turns.kill(one.lease), "it has let go"


def test_who_waits_lets_go_when_the_worker_must(worker: Worker) -> None:
    one, two = hands(worker, JOB, OTHER)
    worker.stopped = True
    two.join(SECONDS)
    assert isinstance(two.error, InterruptedTaskError)
    assert two.lease.blender_use is BlenderUse.AFTER
    worker.stopped = False
    (three,) = hands(worker, JOB)
    assert three.gets() == 1, "nobody stands in its way"
    for hand in (one, three):
        hand.lets_go()


def test_a_task_that_nobody_is_to_do_waits_no_more(worker: Worker) -> None:
    one, two = hands(worker, JOB, OTHER)
    two.lease._lost.set()
    two.join(SECONDS)
    assert isinstance(two.error, InterruptedTaskError)
    one.lets_go()


def test_the_next_is_claimed_when_a_seat_is_free_or_about_to_be(worker: Worker) -> None:
    clocks = SeatClocks(worker.seats, worker.turns)
    assert clocks.turn_seconds_left() == 0
    one, two = hands(worker, JOB, JOB)
    assert (one.gets(), two.gets()) == (0, 1)
    assert clocks.turn_seconds_left() == 0, "there is a third seat"
    (three,) = hands(worker, JOB)
    assert three.gets() == 2
    for seat, seconds in zip(worker.seats, (30.0, 10.0, 20.0), strict=False):
        seat.clock.has_rendered(JOB.job_id, seconds)
        seat.clock.turn_to(int(seconds))
        seat.clock.begin(seconds)
    assert clocks.turn_seconds_left() == pytest.approx(10, abs=1)
    assert worker.turns.frame_seconds_left(three.lease) == pytest.approx(20, abs=1)
    assert clocks.frame and clocks.frame[0] == 30, "the one that was begun first"
    assert clocks.recent_seconds(JOB.job_id) == (30, 10, 20)
    assert clocks.usual_seconds == 30
    before = worker.changes
    for hand in (one, two, three):
        hand.lets_go()
    (other,) = hands(worker, OTHER)
    assert other.gets() == 0
    assert clocks.usual_seconds is None, "they were another job's frames"
    other.lets_go()
    assert worker.changes == before + 4
    assert worker.turns.frame_seconds_left(three.lease) == 0


def test_what_a_turn_has_shown_is_told_with_the_most_that_were_at_it(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
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


LIMITED = a_job("film-1", options={"frame_timeout_seconds": 60})
NO_MEMORY = BlenderDied("Blender was killed by the system.", "out_of_memory")


def fail(worker: Worker, job: Job | None, error: BlenderError) -> bool:
    """Whether the others are said to be why a turn has failed."""
    error.crowded_out = False
    with pytest.raises(BlenderError), worker.turns.turn(a_lease(), job):
        raise error
    return error.crowded_out


@pytest.mark.parametrize(
    ("job", "error", "excused"),
    [
        (JOB, NO_MEMORY, True),
        (JOB, BlenderDied("it crashed", "crashed", log="std::bad_alloc"), True),
        (JOB, BlenderDied("it took more than 8 GiB of memory", "over_limit"), True),
        (LIMITED, BlenderTimedOut("not done within 60 s", "timed_out"), True),
        (JOB, BlenderTimedOut("not done in ten times what is usual", "timed_out"), False),
        (JOB, BlenderDied("it crashed", "crashed"), False),
    ],
)
def test_want_of_memory_or_time_beside_others_is_no_failure_of_the_frame(
    worker: Worker, job: Job, error: BlenderError, excused: bool
) -> None:
    assert not fail(worker, job, error), "it is alone"
    assert worker.counts.failed == []
    at = hands(worker, job, job)
    assert [hand.gets() for hand in at] == [0, 1]
    assert fail(worker, job, error) is excused
    assert worker.counts.failed == ([3] if excused else [])
    for hand in at:
        hand.lets_go()


def test_blenders_that_are_open_at_nothing_have_memory_too(worker: Worker) -> None:
    at = hands(worker, JOB, JOB)
    assert [hand.gets() for hand in at] == [0, 1]
    for hand in at:
        hand.lets_go()
    assert fail(worker, JOB, NO_MEMORY)
    worker.counts.number = 1
    assert not fail(worker, JOB, NO_MEMORY), "it was ended"
    assert worker.blenders[1].closes == 1


def test_the_next_jobs_blender_is_started_while_the_one_before_renders(
    worker: Worker,
) -> None:
    at = hands(worker, JOB, JOB)
    assert worker.blenders[0].foreseen == []
    waiting = hands(worker, OTHER, None)
    assert waiting[0].waits()
    assert worker.blenders[0].foreseen == [OTHER, None]
    for hand in (*at, *waiting):
        hand.lets_go()
    assert worker.blenders[0].foreseen == [OTHER, None]


def test_blenders_that_are_slow_to_end_are_waited_for_together() -> None:
    class Slow:
        def end(self) -> None:
            together.wait(SECONDS)

    together = threading.Barrier(3)
    close_all([cast(SceneSessions, Slow()) for _ in range(3)])


def test_each_seat_has_a_folder_of_its_own(tmp_path: Path) -> None:
    sessions = make_sessions(3, BlenderShelf([], tmp_path), tmp_path / "work", cage=None)
    folders = [one.output_folder() for one in sessions]
    assert len({folder.parent for folder in folders}) == 3
    assert folders[0].parent == tmp_path / "work/output", "as with a single one"
