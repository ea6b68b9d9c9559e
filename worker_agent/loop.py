"""Claim, do, record, delete: the agent's life."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence

from worker_agent.interruptions.departure import Departure, Interruption
from worker_agent.interruptions.farewell import Farewell
from worker_agent.metrics import FrameMetrics
from worker_agent.outcome import MachineTroubleError
from worker_agent.scale_in.idle_worker import IdleWorker
from worker_agent.task_queue import Message, TaskQueue
from worker_agent.task_runner import TaskRunner
from worker_agent.watchdog import still_alive

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (1, 60)
"""First and longest wait after an error that is no task's fault: a silent service, a full disk."""
LOOK_SECONDS = 1.0
"""Between two looks of a worker that takes nothing because its end is near."""


class WorkLoop:
    """Looks at the queues in their order, and does one task at a time until the worker has to go."""

    def __init__(
        self,
        *,
        queues: Sequence[TaskQueue],
        runner: TaskRunner,
        metrics: FrameMetrics,
        departure: Departure,
        farewell: Farewell,
        idle: IdleWorker,
        lease_seconds: int,
        poll_seconds: int,
        require_fit_machine: Callable[[], None] = lambda: None,
        works: Callable[[], None] = lambda: None,
    ) -> None:
        """`works` is called before each task, and after each step that no service has failed, one of trouble
        with this machine too.
        """
        self._queues = queues
        self._runner = runner
        self._metrics = metrics
        self._departure = departure
        self._farewell = farewell
        self._idle = idle
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._require_fit_machine = require_fit_machine
        self._works = works
        self._failures = 0
        self._trouble = ""

    def run(self) -> None:
        """Until the agent is stopped: one whose machine is taken away waits for that, and takes nothing.

        An error of a service is waited out, never the end of the agent.
        """
        while not self._departure.has(Interruption.STOP):
            self.step()
        self._farewell.end()
        self._metrics.send()

    def step(self) -> None:
        """What there is to do now, a wait for a message or for the machine's end included."""
        seen = self._departure.announcements
        still_alive()
        try:
            if self._departure.leaving:
                self._farewell.step(seen)
            elif self._idle.awaits_end():
                self._departure.wait(LOOK_SECONDS, seen)
            else:
                self._turn()
            self._failures, self._trouble = 0, ""
            self._works()
        except MachineTroubleError as error:
            self._failures += 1
            self._say_once(str(error))
            self._works()
            self._idle.found_trouble()
            self._departure.wait(self._back_off(), seen)
        except Exception:
            self._failures += 1
            log.exception("could not work; trying again")
            self._departure.wait(self._back_off(), seen)

    def _turn(self) -> None:
        """One task, or none. Raises MachineTroubleError while this machine should take none."""
        self._require_fit_machine()
        if self._idle.makes_way():
            return
        claimed = self._claim()
        if claimed:
            try:
                self._runner.run(*claimed, retry_seconds=int(self._back_off()))
                self._idle.has_succeeded()
            finally:
                self._idle.has_worked()
        elif not self._departure.leaving:
            self._idle.found_nothing()
        self._metrics.send_if_due()

    def _claim(self) -> tuple[TaskQueue, Message] | None:
        """One message of the first queue that has any; only the last queue is waited for."""
        longest_seconds = min(self._poll_seconds, self._idle.poll_seconds or self._poll_seconds)
        for queue in self._queues:
            wait_seconds = longest_seconds if queue is self._queues[-1] else 0
            still_alive()
            message = queue.receive(wait_seconds=wait_seconds, lease_seconds=self._lease_seconds)
            if message:
                self._works()  # a task may take hours, and whoever waits for this does not
                return queue, message
            if self._departure.leaving:
                return None
        return None

    def _say_once(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("taking no work: %s", trouble)
        self._trouble = trouble

    def _back_off(self) -> float:
        first, longest = BACK_OFF_SECONDS
        doublings = min(self._failures, 10)  # a service that is away for a day must not overflow the number
        return random.uniform(first, min(longest, first * 2.0**doublings))
