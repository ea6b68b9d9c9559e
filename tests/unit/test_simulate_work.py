"""The simulated queues: what the farm can see of its jobs, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

from contract.frame_time import JobFrames
from contract.scaling import QueueDepth
from farm.simulate.fleet.agenda import Agenda
from farm.simulate.fleet.job import Task
from farm.simulate.fleet.work import Work
from farm.simulate.model import SimulatedJob


@dataclass(slots=True, eq=False)
class Taker:
    """Does nothing of itself."""

    bakes: bool = True
    renders: bool = True
    taken: list[Task] = field(default_factory=list)

    def take(self, task: Task) -> None:
        self.taken.append(task)


def pass_time(agenda: Agenda, until: float) -> None:
    agenda.run(until=until, finished=lambda: False)


def baked(*jobs: tuple[float, ...]) -> tuple[Agenda, Work, Taker]:
    """The frames of these jobs are queued; it is second 0."""
    agenda, baker = Agenda(), Taker()
    work = Work(agenda, [SimulatedJob(arrives=0, bake_seconds=1, frame_seconds=job) for job in jobs])
    pass_time(agenda, 0)
    for _ in jobs:
        task = work.receive(bakes=True, renders=False)
        assert task is not None
        work.done(task, baker)
    return agenda, work, baker


def receive(work: Work) -> Task:
    task = work.receive(bakes=True, renders=True)
    assert task is not None
    return task


def only(work: Work) -> JobFrames:
    (job,) = work.seen()
    return job


def test_a_job_is_seen_once_its_frames_are_released() -> None:
    agenda = Agenda()
    work = Work(agenda, [SimulatedJob(arrives=5, bake_seconds=1, frame_seconds=(7, 8))])
    pass_time(agenda, 4)
    assert (work.tasks, work.seen()) == (0, [])
    pass_time(agenda, 5)
    assert (work.bake, work.seen()) == (QueueDepth(visible=1), [])
    work.done(receive(work), Taker())
    assert work.render == QueueDepth(visible=2)
    assert only(work) == JobFrames(frames_left=2)


def test_frames_that_run_are_seen_to_run() -> None:
    agenda, work, _ = baked((60, 60, 60))
    receive(work)
    pass_time(agenda, 10)
    receive(work)
    assert only(work).running_seconds == (10, 0)
    pass_time(agenda, 25)
    assert only(work).running_seconds == (25, 15)
    assert work.render == QueueDepth(visible=1, in_flight=2)


def test_what_frames_took_is_known_when_they_are_done() -> None:
    _, work, taker = baked((60, 40, 20))
    work.done(receive(work), taker)
    work.done(receive(work), taker)
    assert only(work) == JobFrames(frames_left=1, frames_timed=2, timed_seconds=100, recent_seconds=(60, 40))


def test_a_workers_last_frame_is_forgotten_with_it_and_when_it_turns_to_another_job() -> None:
    _, work, taker = baked((60, 60, 60), (5, 5))
    other = Taker()
    work.done(receive(work), taker)
    work.done(receive(work), other)
    assert work.seen()[0].recent_seconds == (60, 60)
    work.forget(other)
    assert work.seen()[0].recent_seconds == (60,)
    receive(work)
    work.done(receive(work), taker)
    assert [job.recent_seconds for job in work.seen()] == [(), (5,)]


def test_the_truth_knows_the_frames_that_nobody_has_timed() -> None:
    _, work, taker = baked((10, 50, 90))
    work.done(receive(work), taker)
    (truth,) = work.truth()
    assert truth.timed_seconds / truth.frames_timed == 70
    assert truth.frames_left == 2


def test_work_that_is_broken_off_is_in_flight_until_it_comes_back_before_the_rest() -> None:
    agenda, work, _ = baked((60, 40))
    task = receive(work)
    pass_time(agenda, 15)
    work.break_off(task, back_after_seconds=100)
    assert (work.lost_seconds, only(work).running_seconds) == (15, ())
    pass_time(agenda, 114)
    assert work.render == QueueDepth(visible=1, in_flight=1)
    pass_time(agenda, 116)
    assert work.render == QueueDepth(visible=2)
    assert receive(work) is task


def test_who_waits_longest_is_served_first_with_what_it_takes() -> None:
    agenda = Agenda()
    work = Work(agenda, [SimulatedJob(arrives=0, bake_seconds=1, frame_seconds=(7, 8))])
    frames_only, first, second = Taker(bakes=False), Taker(), Taker()
    for taker in (frames_only, first, second):
        work.wait(taker)
    pass_time(agenda, 1)
    assert (frames_only.taken, len(first.taken), second.taken) == ([], 1, [])
    work.done(first.taken[0], first)
    assert [task.seconds for task in (*frames_only.taken, *second.taken)] == [7, 8]
