"""A worker with several seats whose Blenders do nothing, and hands that have turns at them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import cast

from contract.job import Job
from tests.support.jobs import a_job
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.job_sessions import RenderedTurn
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.seat import make_seats
from worker_agent.seats.session_count import SessionCounts
from worker_agent.tasks.lease import Lease
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
class SeatedWorker:
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

    def __init__(self, worker: SeatedWorker, job: Job | None) -> None:
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


def hands(worker: SeatedWorker, *jobs: Job | None) -> list[Hand]:
    """One after another, each once the one before has had its chance."""
    made = []
    for job in jobs:
        made.append(Hand(worker, job))
        made[-1].got.wait(0.2)
    return made
