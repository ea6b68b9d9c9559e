"""Where tasks come from: looks at the queues in their order, and listens to all of them while idle.

SQS holds one question open for each queue. A worker that asked them in turn would hear of a bake only when
its question to the render queue has run out.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from worker_agent.tasks.task_queue import Message, TaskQueue
from worker_agent.watchdog import BEAT_SECONDS, still_alive

log = logging.getLogger(__name__)

EMPTY_SECONDS: Final = 2.0
"""A queue that was empty so lately is passed over by a worker that has other work. Whoever claims more at
once (claim.CLAIM_SECONDS) asks each time: something urgent waits for one claim to end, not for two."""

Received = tuple[TaskQueue, list[Message]]


@dataclass(slots=True)
class _Poll:
    """The question that one queue is asked in a thread of its own; `most` is 0 while there is none."""

    queue: TaskQueue
    most: int = 0
    wait_seconds: int = 0
    ends_at: float = -math.inf
    empty_at: float = -math.inf
    """When the queue was last seen to be empty."""


class TaskSource:
    """Messages for one thread, the first queue's first; each is held `lease_seconds` from when it came.

    While `leaving()`, nothing is taken. Whatever nobody waits for any more is given back as it comes.
    """

    def __init__(
        self,
        queues: Sequence[TaskQueue],
        *,
        lease_seconds: int,
        leaving: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease_seconds = lease_seconds
        self._leaving = leaving
        self._clock = clock
        self._polls = [_Poll(queue) for queue in queues]
        self._changed = threading.Condition()
        self._wanted = 0
        self._brought: Received | None = None
        self._error: Exception | None = None
        self._started = False

    def take(self, *, most: int, wait_seconds: int) -> Received | None:
        """Up to `most` messages (1 to 10) of one queue, waiting at most `wait_seconds` (0 to 20) for one.

        None after a wait: no question is open any more, so this worker cannot hold what it does not know of.
        Raises what the calls raise that it has waited for.
        """
        still_alive()
        received = self._look(most, waits=wait_seconds > 0)
        return received if received or wait_seconds <= 0 else self._listen(most, wait_seconds)

    def settle(self, seconds: float) -> None:
        """Wait until no question is open, at most so long: what would be handed out to a machine that is gone
        is in nobody's hands until its lease has run out."""
        until = self._clock() + seconds
        with self._changed:
            while any(poll.most for poll in self._polls) and (left := until - self._clock()) > 0:
                still_alive()
                self._changed.wait(min(left, BEAT_SECONDS))

    def _look(self, most: int, *, waits: bool) -> Received | None:
        """What is there now. Whoever waits afterwards need not ask a queue that was empty just now."""
        for poll in self._polls:
            if self._leaving():
                return None
            still_alive()
            if (waits or poll is not self._polls[-1]) and self._is_empty(poll):
                continue
            messages = self._receive(poll.queue, most, 0)
            if messages:
                return self._unless_leaving(poll.queue, messages)
            with self._changed:
                poll.empty_at = self._clock()
        return None

    def _is_empty(self, poll: _Poll) -> bool:
        with self._changed:
            return poll.most > 0 or self._clock() - poll.empty_at < EMPTY_SECONDS

    def _unless_leaving(self, queue: TaskQueue, messages: list[Message]) -> Received | None:
        if not self._leaving():
            return queue, messages
        queue.give_back_unused(messages)
        return None

    def _listen(self, most: int, wait_seconds: int) -> Received | None:
        with self._changed:
            # older questions are waited for; meanwhile no queue may be left without one
            until = max([self._clock() + wait_seconds, *(poll.ends_at for poll in self._polls if poll.most)])
            self._wanted, self._brought, self._error = most, None, None
            try:
                while self._brought is None:
                    if self._error:
                        raise self._error
                    if not self._leaving():
                        self._ask(most, until)
                    if not any(poll.most for poll in self._polls):
                        return None
                    if not self._is_overdue():
                        still_alive()
                    self._changed.wait(BEAT_SECONDS)
                return self._brought
            finally:
                self._wanted = 0

    def _is_overdue(self) -> bool:
        """Whether a question should have been answered by now: who waits for that may be stuck."""
        return any(poll.most and self._clock() > poll.ends_at for poll in self._polls)

    def _ask(self, most: int, until: float) -> None:
        """Have each queue asked until then that is not."""
        self._start()
        now = self._clock()
        for poll in self._polls:
            if not poll.most and (seconds := round(until - now)) >= 1:
                poll.most, poll.wait_seconds, poll.ends_at = most, seconds, now + seconds
                self._changed.notify_all()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for number, poll in enumerate(self._polls):
                threading.Thread(target=self._run, args=(poll,), name=f"poll-{number}", daemon=True).start()

    def _run(self, poll: _Poll) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: poll.most)
            try:
                messages = self._receive(poll.queue, poll.most, poll.wait_seconds)
                poll.queue.give_back_unused(self._hand_over(poll, messages))
            except Exception as error:
                self._fail(error)
            with self._changed:
                poll.most = 0
                self._changed.notify_all()

    def _hand_over(self, poll: _Poll, messages: list[Message]) -> list[Message]:
        """To whoever waits; returns those that nobody wants."""
        with self._changed:
            if not messages:
                poll.empty_at = self._clock()
            elif self._wanted and self._brought is None and not self._leaving():
                self._brought = poll.queue, messages[: self._wanted]
                messages = messages[self._wanted :]
                self._changed.notify_all()
        return messages

    def _fail(self, error: Exception) -> None:
        with self._changed:
            if self._wanted:
                self._error = error
            else:  # whoever asks next will see for himself
                log.warning("a question to a queue failed that nobody waited for any more: %s", error)

    def _receive(self, queue: TaskQueue, most: int, wait_seconds: int) -> list[Message]:
        return queue.receive_many(most=most, wait_seconds=wait_seconds, lease_seconds=self._lease_seconds)
