"""The queues: what there is to do, as the farm sees it and as it truly is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from contract.frame_time import JobFrames
from contract.scaling import QueueDepth
from contract.worker_record import RECENT_FRAMES
from farm.simulate.fleet.agenda import Agenda
from farm.simulate.fleet.job import Job, Taker, Task
from farm.simulate.model import SimulatedJob


class Work:
    """Both queues. Who waits longest gets the next task at once; a bake goes first."""

    def __init__(self, agenda: Agenda, jobs: Sequence[SimulatedJob]) -> None:
        self._agenda = agenda
        self.jobs = tuple(Job(plan) for plan in jobs)
        self.lost_seconds = 0.0
        self.when_arrives: Callable[[], None] = lambda: None
        """Called at each upload."""
        self._bakes: deque[Task] = deque()
        self._renders: deque[Task] = deque()
        self._bakes_out = self._renders_out = 0
        self._in_hand: dict[Task, None] = {}
        self._waiting: dict[Taker, None] = {}
        self._rendering: dict[Job, None] = {}
        self._last_job: dict[Taker, Job] = {}
        self._left_seconds = 0.0
        self._unfinished = len(jobs)
        for job in self.jobs:
            agenda.after(job.plan.arrives, partial(self._arrive, job))

    @property
    def all_done(self) -> bool:
        return not self._unfinished

    @property
    def bake(self) -> QueueDepth:
        return QueueDepth(visible=len(self._bakes), in_flight=self._bakes_out)

    @property
    def render(self) -> QueueDepth:
        return QueueDepth(visible=len(self._renders), in_flight=self._renders_out)

    @property
    def tasks(self) -> int:
        return len(self._bakes) + len(self._renders) + self._bakes_out + self._renders_out

    def seen(self) -> list[JobFrames]:
        """What the farm knows of the jobs whose frames are being rendered."""
        return [job.seen(self._agenda.now) for job in self._rendering]

    def truth(self) -> list[JobFrames]:
        return [job.truth() for job in self._rendering]

    def backlog_seconds(self) -> float:
        """True work left of the jobs that came, unreleased frames included, for one worker."""
        done = sum(self._agenda.now - task.began for task in self._in_hand)
        return max(0.0, self._left_seconds - done)

    def receive(self, *, bakes: bool, renders: bool) -> Task | None:
        """The next task, in flight from now on."""
        if bakes and self._bakes:
            self._bakes_out += 1
            return self._begin(self._bakes.popleft())
        if renders and self._renders:
            self._renders_out += 1
            return self._begin(self._renders.popleft())
        return None

    def wait(self, taker: Taker) -> None:
        self._waiting[taker] = None

    def wait_no_more(self, taker: Taker) -> None:
        self._waiting.pop(taker, None)

    def forget(self, taker: Taker) -> None:
        """Its machine is gone, and its record with it."""
        self._waiting.pop(taker, None)
        job = self._last_job.pop(taker, None)
        if job:
            del job.recent[taker]
            job.change()

    def done(self, task: Task, by: Taker) -> None:
        self._set_down(task)
        self._left_seconds -= task.seconds
        job = task.job
        if task.is_bake:
            self._bakes_out -= 1
            self._release(job)
            return
        self._renders_out -= 1
        job.frames_left -= 1
        job.left_seconds -= task.seconds
        job.frames_timed += 1
        job.timed_seconds += task.seconds
        self._remember(task, by)
        if not job.frames_left:
            del self._rendering[job]
            self._end(job)

    def _remember(self, task: Task, by: Taker) -> None:
        if self._last_job.get(by) is not task.job:
            if by in self._last_job:
                self._last_job[by].change()
                del self._last_job[by].recent[by]
            self._last_job[by] = task.job
            task.job.recent[by] = deque(maxlen=RECENT_FRAMES)
        task.job.recent[by].append(task.seconds)

    def break_off(self, task: Task, *, back_after_seconds: float) -> None:
        """What was done of it is lost; it can be taken again after so long, and stays in flight till then."""
        self._set_down(task)
        self.lost_seconds += self._agenda.now - task.began
        if back_after_seconds > 0:
            self._agenda.after(back_after_seconds, lambda: self._give_back(task))
        else:
            self._give_back(task)

    def _arrive(self, job: Job) -> None:
        self._left_seconds += job.plan.work_seconds
        self._bakes.append(Task(job, job.plan.bake_seconds, True))
        self._serve()
        self.when_arrives()

    def _release(self, job: Job) -> None:
        frames = job.plan.frame_seconds
        if not frames:
            self._end(job)
            return
        job.frames_left = len(frames)
        job.left_seconds = sum(frames)
        self._rendering[job] = None
        self._renders.extend(Task(job, seconds, False) for seconds in frames)
        self._serve()

    def _end(self, job: Job) -> None:
        job.ended = self._agenda.now
        self._unfinished -= 1

    def _give_back(self, task: Task) -> None:
        if task.is_bake:
            self._bakes_out -= 1
            self._bakes.appendleft(task)
        else:
            self._renders_out -= 1
            self._renders.appendleft(task)
        self._serve()

    def _serve(self) -> None:
        for taker in list(self._waiting):
            if not (self._bakes or self._renders):
                return
            task = self.receive(bakes=taker.bakes, renders=taker.renders)
            if task is not None:
                del self._waiting[taker]
                taker.take(task)

    def _begin(self, task: Task) -> Task:
        task.began = self._agenda.now
        self._in_hand[task] = None
        if not task.is_bake:
            task.job.running[task] = None
            task.job.change()
        return task

    def _set_down(self, task: Task) -> None:
        del self._in_hand[task]
        if not task.is_bake:
            del task.job.running[task]
            task.job.change()
