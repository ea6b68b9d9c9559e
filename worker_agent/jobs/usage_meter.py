"""Counts the seconds that this worker holds tasks of each job, and adds them to the jobs' records."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import ClientError

from contract.usage import add_usage
from worker_agent.host.own_machine import OwnMachine
from worker_agent.services.back_off import BackOff

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 60.0
"""So many of a job that goes on are written at once at first, so that people soon see some."""
LONGEST_WRITE_SECONDS: Final = 300.0
"""Later as many again as were written, up to these: a write costs six units. They are what a machine that is
killed leaves untold at most.
"""
LONGEST_BACK_OFF_SECONDS: Final = 60.0
JOIN_SECONDS: Final = 3.0
"""A write that hangs as the agent ends is not waited for any longer."""


class UsageMeter:
    """A thread of its own writes: no frame waits for it, and no error of it is anybody's.

    A write of which the answer is lost is done again, and counts twice: all of it is an estimate.
    `dynamodb` is a resource's client that fails quickly; `clock` gives seconds that only go forward.
    """

    def __init__(
        self,
        dynamodb: Any,
        *,
        table: str,
        machine: OwnMachine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._machine = machine
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        """Held by who writes: the same seconds must not be written by two."""
        self._held: list[str] = []
        """The jobs of the held tasks, in the order in which they were claimed: the first pays."""
        self._job = ""
        """Who pays, or paid last."""
        self._written_seconds = 0.0
        """Of the job that pays, since it does."""
        self._since: float | None = None
        """From when on the held task is not counted yet; None: none is held."""
        self._let_go_at = 0.0
        self._unwritten: dict[str, float] = {}
        """Seconds, by the ids of their jobs."""
        self._failing = False
        self._back_off = BackOff(first_seconds=2 * LOOK_SECONDS, longest_seconds=LONGEST_BACK_OFF_SECONDS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage-meter", daemon=True)

    @contextmanager
    def hold(self, job_id: str) -> Iterator[None]:
        """Count the time in which a task of this job is held, however it ends, and once if several are."""
        with self._lock:
            self._count()
            self._held.append(job_id)
            self._pay()
        try:
            yield
        finally:
            with self._lock:
                self._count()
                self._held.remove(job_id)
                self._pay()

    def _pay(self) -> None:
        """Under the lock: from now on the time is the first held job's."""
        if self._held:
            if self._held[0] != self._job:
                self._job, self._written_seconds = self._held[0], 0.0
            self._since = self._clock()
        else:
            self._since, self._let_go_at = None, self._clock()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is held any more: write what is left."""
        self._stop.set()
        self._thread.join(JOIN_SECONDS)
        self.flush()

    def flush(self) -> None:
        """Write all that is counted by now, unless another write hangs."""
        if self._writing.acquire(timeout=JOIN_SECONDS):
            try:
                self._write_due(lambda job, seconds: True)
            finally:
                self._writing.release()

    def look(self) -> float:
        """Write what is due; returns the seconds until the next look."""
        self._machine.ask_if_due()
        with self._writing:
            written = self._write_due(self._is_due)
        if written:
            self._back_off.reset()
            return LOOK_SECONDS
        return self._back_off.after_failure()

    def _is_due(self, job: str, seconds: float) -> bool:
        goes_on = job == self._job and (
            self._since is not None or self._clock() - self._let_go_at < LOOK_SECONDS
        )
        enough = min(max(WRITE_SECONDS, self._written_seconds), LONGEST_WRITE_SECONDS)
        return not goes_on or seconds >= enough

    def _count(self) -> None:
        """Under the lock."""
        if self._since is None:
            return
        now = self._clock()
        self._unwritten[self._job] = self._unwritten.get(self._job, 0.0) + now - self._since
        self._since = now

    def _write_due(self, is_due: Callable[[str, float], bool]) -> bool:
        """False when some could not be written: they stay, and are tried again."""
        with self._lock:
            self._count()
            due = {job: seconds for job, seconds in self._unwritten.items() if is_due(job, seconds)}
        failed = False
        for job_id, seconds in due.items():
            try:
                written = self._write(job_id, round(seconds))
            except Exception as error:  # whatever it is: frames do not wait for what they cost
                if not self._failing:
                    log.warning("cannot tell the job table what this worker was used for: %s", error)
                failed = True
                continue
            self._forget(job_id, written if written else seconds)
        self._failing = failed
        return not failed

    def _write(self, job_id: str, seconds: int) -> int:
        """What was written; 0 when there is nothing to write, or no such job."""
        facts = self._machine.facts
        if not seconds:
            return 0
        try:
            self._dynamodb.update_item(
                **add_usage(
                    table=self._table,
                    job_id=job_id,
                    seconds=seconds,
                    spot=facts.spot,
                    hour_microdollars=facts.hour_microdollars,
                )
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return 0
        return seconds

    def _forget(self, job_id: str, seconds: float) -> None:
        """What is left of a job that goes on, a part of a second, counts with what follows."""
        with self._lock:
            if job_id == self._job:
                self._written_seconds += seconds
            left = self._unwritten.get(job_id, 0.0) - seconds
            if left >= 0.5 or (left and job_id == self._job):
                self._unwritten[job_id] = left
            else:
                self._unwritten.pop(job_id, None)

    def _run(self) -> None:
        delay = 0.0
        while not self._stop.wait(delay):
            delay = self.look()
