"""Tells the job table what this worker is doing, for the fleet's measure and for people."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Protocol

from contract.tasks import BakeTask, RenderTask
from contract.worker_record import NO_FRAME, RENEW_SECONDS, Doing, WorkerRecord
from worker_agent.host.own_machine import MachineFacts
from worker_agent.interruptions.tasks_in_hand import TasksInHand
from worker_agent.services.back_off import BackOff

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
"""Between two writes at least: frames of a second need no record each."""
LONGEST_BACK_OFF_SECONDS: Final = 60.0
JOIN_SECONDS: Final = 3.0
"""A write that hangs as the agent ends is not waited for any longer."""


class Clock(Protocol):
    """What is asked of FrameClock, or of SeatClocks."""

    @property
    def frame(self) -> tuple[int, float] | None: ...

    def recent_seconds(self, job_id: str) -> tuple[float, ...]: ...


class WorkerReport:
    """A thread of its own: nothing waits for it, and no error of it is anybody's.

    `dynamodb` is a resource's client that fails quickly; `now` gives epoch seconds.
    """

    def __init__(
        self,
        dynamodb: Any,
        *,
        table: str,
        worker_id: str,
        in_hand: TasksInHand,
        frame_clock: Clock,
        sessions: Callable[[], int] = lambda: 1,
        machine: Callable[[], MachineFacts] = MachineFacts,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._worker_id = worker_id
        self._in_hand = in_hand
        self._frame_clock = frame_clock
        self._sessions = sessions
        self._machine = machine
        self._now = now
        self._written: WorkerRecord | None = None
        self._failing = False
        self._back_off = BackOff(first_seconds=2 * LOOK_SECONDS, longest_seconds=LONGEST_BACK_OFF_SECONDS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker-report", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """It says once more that it does nothing: no record at all is the mark of a machine that hangs."""
        self._stop.set()
        self._thread.join(JOIN_SECONDS)
        try:
            self._dynamodb.put_item(TableName=self._table, Item=self._record().to_item())
        except Exception as error:  # what it said last grows stale by itself
            log.warning("could not say that this worker ends: %s", error)

    def look(self) -> float:
        """Write the record if it is due; returns the seconds until the next look."""
        record = self._record()
        if self._written and not _is_due(self._written, record):
            return LOOK_SECONDS
        try:
            self._dynamodb.put_item(TableName=self._table, Item=record.to_item())
        except Exception as error:  # whatever it is: frames do not wait for what is said of them
            if not self._failing:
                log.warning("cannot tell the job table what this worker does: %s", error)
            self._failing = True
            return self._back_off.after_failure()
        self._written, self._failing = record, False
        self._back_off.reset()
        return LOOK_SECONDS

    def _run(self) -> None:
        delay = 0.0
        while not self._stop.wait(delay):
            delay = self.look()

    def _record(self) -> WorkerRecord:
        # asked first: one that has ended meanwhile is no frame of the next task
        frame = self._frame_clock.frame
        task, since = self._in_hand.since
        doing, job_id, number = Doing.IDLE, "", NO_FRAME
        if isinstance(task, RenderTask):
            doing, job_id = Doing.RENDER, task.job_id
            if frame and frame[1] >= since:
                number, since = frame
        elif task is not None:
            doing = Doing.BAKE if isinstance(task, BakeTask) else Doing.FINISH
            job_id = task.job_id
        machine = self._machine()
        return WorkerRecord(
            worker_id=self._worker_id,
            doing=doing,
            job_id=job_id,
            frame=number,
            since=int(since),
            recent_seconds=self._frame_clock.recent_seconds(job_id) if doing is Doing.RENDER else (),
            sessions=self._sessions() if doing is Doing.RENDER else 1,
            instance_type=machine.instance_type,
            spot=machine.spot,
            hour_microdollars=machine.hour_microdollars,
            seen_at=int(self._now()),
        )


def _is_due(written: WorkerRecord, now: WorkerRecord) -> bool:
    """Also when the clock was set back: a record must not seem fresh for ever."""
    does_the_same = replace(written, seen_at=now.seen_at) == now
    return not does_the_same or not 0 <= now.seen_at - written.seen_at < RENEW_SECONDS
