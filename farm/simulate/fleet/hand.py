"""One poller of a worker: it takes a task, does it, and looks for the next."""

from __future__ import annotations

from typing import Protocol

from farm.simulate.fleet.agenda import Agenda, Appointment
from farm.simulate.fleet.job import Task
from farm.simulate.fleet.work import Work


class Owner(Protocol):
    """What a hand tells its worker."""

    @property
    def leaves(self) -> bool: ...
    def begins_task(self) -> None: ...
    def ends_task(self) -> None: ...


class Hand:
    __slots__ = ("_agenda", "_end", "_look_seconds", "_work", "_worker", "bakes", "renders", "task")

    def __init__(
        self, worker: Owner, agenda: Agenda, work: Work, *, bakes: bool, renders: bool, look_seconds: float
    ) -> None:
        self._worker = worker
        self._agenda = agenda
        self._work = work
        self.bakes = bakes
        self.renders = renders
        self._look_seconds = look_seconds
        self.task: Task | None = None
        self._end: Appointment | None = None

    def look(self) -> None:
        """For a task; waits for one when there is none."""
        if self._worker.leaves or self.task:
            return
        task = self._work.receive(bakes=self.bakes, renders=self.renders)
        if task:
            self.take(task)
        elif self._look_seconds:
            self._agenda.after(self._look_seconds, self.look)
        else:
            self._work.wait(self)

    def take(self, task: Task) -> None:
        self.task = task
        self._end = self._agenda.after(task.seconds, self._done)
        self._worker.begins_task()

    def stop_waiting(self) -> None:
        self._work.wait_no_more(self)

    def leave(self) -> None:
        self._work.forget(self)

    def ends_by(self, deadline: float) -> bool:
        return self._end is None or self._end.at <= deadline

    def break_off(self, *, back_after_seconds: float) -> None:
        """Its task is lost to it."""
        if self.task and self._end:
            self._end.call_off()
            task, self.task, self._end = self.task, None, None
            self._work.break_off(task, back_after_seconds=back_after_seconds)

    def _done(self) -> None:
        task, self.task, self._end = self.task, None, None
        if task:
            self._work.done(task, self)
        self._worker.ends_task()
        if self._look_seconds:
            self._agenda.after(self._look_seconds, self.look)
        else:
            self.look()
