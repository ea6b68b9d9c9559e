"""Claim, do, record, delete: the agent's life."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from worker_agent.interruptions.departure import Departure, Interruption
from worker_agent.interruptions.drain import LAST_SECONDS
from worker_agent.interruptions.farewell import Farewell
from worker_agent.interruptions.tasks_in_hand import TasksInHand
from worker_agent.scale_in.idle_worker import IdleWorker
from worker_agent.services.clients import LONGEST_POLL_SECONDS
from worker_agent.task_runner import TaskRunner
from worker_agent.tasks.claim import frames_at_once
from worker_agent.tasks.hands import Hands
from worker_agent.tasks.lease import BlenderUse
from worker_agent.tasks.outcome import MachineTroubleError
from worker_agent.tasks.task_queue import Message, TaskQueue
from worker_agent.tasks.task_source import TaskSource
from worker_agent.telemetry.metrics import FrameMetrics
from worker_agent.watchdog import BEAT_SECONDS, still_alive

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (1, 60)
"""First and longest wait after an error that is no task's fault: a silent service, a full disk."""
LOOK_SECONDS = 1.0
"""Between two looks of a worker that takes nothing because its end is near."""
AHEAD_SECONDS: Final = 2.0
"""Before Blender is free, the next task is claimed so early: no sooner, for another worker may be idle."""
BRIEFLY_SECONDS: Final = 0.05
"""Of waiting at least, or a clock that is late would be asked without end."""


class Clock(Protocol):
    """What is asked of FrameClock, or of SeatClocks."""

    @property
    def usual_seconds(self) -> float | None: ...

    def turn_seconds_left(self) -> float | None: ...


class WorkLoop:
    """Has what it claims done by its hands, until the worker has to go.

    One hand's task renders while another's is uploaded; the next one is claimed as the last frame nears its
    end.
    """

    def __init__(
        self,
        *,
        source: TaskSource,
        runner: TaskRunner,
        hands: Hands,
        in_hand: TasksInHand,
        frame_clock: Clock,
        metrics: FrameMetrics,
        departure: Departure,
        farewell: Farewell,
        idle: IdleWorker,
        poll_seconds: int,
        require_fit_machine: Callable[[], None] = lambda: None,
        has_room: Callable[[], bool] = lambda: True,
        works: Callable[[], None] = lambda: None,
    ) -> None:
        """`works` is called before each task, and after each step that no service has failed, one of trouble
        with this machine too.
        """
        self._source = source
        self._runner = runner
        self._hands = hands
        self._in_hand = in_hand
        self._frame_clock = frame_clock
        self._metrics = metrics
        self._departure = departure
        self._farewell = farewell
        self._idle = idle
        self._poll_seconds = poll_seconds
        self._require_fit_machine = require_fit_machine
        self._has_room = has_room
        self._works = works
        self._failures = 0
        self._trouble = ""

    def run(self) -> None:
        """Until the agent is stopped: one whose machine is taken away waits for that, and takes nothing.

        An error of a service is waited out, never the end of the agent.
        """
        self._hands.start()
        while self._hands.busy or not self._departure.has(Interruption.STOP):
            self.step()
        self._hands.stop()
        self._source.settle(self._seconds_to_settle())
        self._farewell.end()
        self._metrics.send()

    def step(self) -> None:
        """What there is to do now, a wait for a message or for the machine's end included."""
        seen, changes = self._departure.announcements, self._hands.changes
        still_alive()
        try:
            well = self._take_note()
            if self._departure.leaving:
                if self._hands.busy:
                    self._hands.wait(BEAT_SECONDS, changes)
                else:
                    self._source.settle(self._seconds_to_settle())  # before the group hears that it may go
                    self._farewell.step(seen)
            elif self._idle.awaits_end():
                self._departure.wait(LOOK_SECONDS, seen)
            else:
                self._turn(changes)
            if well or not self._hands.busy:  # what has just begun has not succeeded yet
                self._failures, self._trouble = 0, ""
            self._works()
        except MachineTroubleError as error:
            self._failures += 1
            self._say_once(str(error))
            self._works()
            if not self._hands.busy:
                self._idle.found_trouble()
            self._departure.wait(self._back_off(), seen)
        except Exception:
            self._failures += 1
            log.exception("could not work; trying again")
            self._departure.wait(self._back_off(), seen)

    def _take_note(self) -> bool:
        """Of the tasks that have ended: whether one has ended well.

        Raises what one of them raised; trouble with the machine comes first.
        """
        ended, errors = self._hands.ended()
        if ended:
            self._idle.has_worked()
        well = ended > len(errors)
        if well:
            self._idle.has_succeeded()
        errors.sort(key=lambda error: not isinstance(error, MachineTroubleError))
        for error in errors[1:]:
            log.error("could not work: %s", error, exc_info=error)
        if errors:
            raise errors[0]
        return well

    def _turn(self, changes: int) -> None:
        """Claim one task, or none. Raises MachineTroubleError while this machine should take none."""
        if self._hands.busy:
            wait_seconds = BEAT_SECONDS if self._trouble else self._seconds_until_claim()
            if wait_seconds <= 0 and (self._idle.should_make_way() or not self._has_room()):
                wait_seconds = BEAT_SECONDS  # what is due then is done between two tasks
            if wait_seconds > 0:
                self._hands.wait(max(BRIEFLY_SECONDS, wait_seconds), changes)
                return
        else:
            self._require_fit_machine()
            if self._idle.makes_way():
                return
        claimed = self._claim()
        if claimed:
            run = partial(self._runner.run, *claimed, retry_seconds=int(self._back_off()))
            self._hands.give(run)
        elif not self._hands.busy and not self._departure.leaving:
            self._idle.found_nothing()
        self._metrics.send_if_due()

    def _seconds_until_claim(self) -> float:
        """How long to wait at least before another task is claimed beside those in hand; 0: claim it now."""
        held = self._in_hand.held
        if self._hands.are_full or len(held) < self._hands.busy:
            return BEAT_SECONDS
        uses = {one.lease.blender_use for one in held}
        if BlenderUse.BEFORE in uses:
            return BEAT_SECONDS
        if BlenderUse.AT not in uses:
            return 0.0
        left_seconds = self._frame_clock.turn_seconds_left()
        return BEAT_SECONDS if left_seconds is None else max(0.0, left_seconds - AHEAD_SECONDS)

    def _claim(self) -> tuple[TaskQueue, list[Message]] | None:
        """Messages of the first queue that has any; waits a while for one."""
        claimed = self._source.take(
            most=frames_at_once(self._frame_clock.usual_seconds),
            wait_seconds=min(self._poll_seconds, self._idle.poll_seconds or self._poll_seconds),
        )
        if claimed:
            self._works()  # a task may take hours, and whoever waits for this does not
        return claimed

    def _seconds_to_settle(self) -> float:
        return max(0.0, min(LONGEST_POLL_SECONDS, self._departure.seconds_left() - LAST_SECONDS))

    def _say_once(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("taking no work: %s", trouble)
        self._trouble = trouble

    def _back_off(self) -> float:
        first, longest = BACK_OFF_SECONDS
        doublings = min(self._failures, 10)  # a service that is away for a day must not overflow the number
        return random.uniform(first, min(longest, first * 2.0**doublings))
