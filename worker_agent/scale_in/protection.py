"""Whether the group may take this machine when it wants fewer: never one with a task in hand.

Machines are born protected, though an agent that ran here before may have changed that. The work loop's
thread alone says what is wanted, `take` before a task and `drop` when there is none. Where a `take` fails
because the group throttles or is silent, the task begins all the same: the machine is worth more at work than
waiting, a frame is over before the group comes round to a scale-in, and one that is taken nevertheless gives
its task back. For the sake of a bake of hours, a thread of this class's own goes on asking until it succeeds,
or the loop's thread wants something else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from botocore.exceptions import ClientError

from worker_agent.scale_in.group import NotInServiceError, OwnGroup
from worker_agent.services.back_off import BackOff

log = logging.getLogger(__name__)

FIRST_BACK_OFF_SECONDS: Final = 2.0
LONGEST_BACK_OFF_SECONDS: Final = 60.0

StartThread = Callable[[Callable[[], None]], object]


class ChosenToGoError(Exception):
    """The group has chosen this machine to go, or does not know it: it must not begin anything."""


def _in_a_thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run, name="scale-in-protection", daemon=True).start()


class ScaleInProtection:
    """Calls the group only when something changes: a busy worker makes no call."""

    def __init__(
        self,
        group: OwnGroup,
        *,
        sleep: Callable[[float], None] = time.sleep,
        in_background: StartThread = _in_a_thread,
    ) -> None:
        self._group = group
        self._sleep = sleep
        self._in_background = in_background
        self._calling = threading.Lock()
        self._wanted = True
        self._known: bool | None = True
        """None: a call failed without a clear answer, so either may hold."""
        self._retrying = False

    def learn(self) -> None:
        """Once, at the start: an agent before this one on the same machine may have dropped it."""
        try:
            if self._group.worker_id in self._group.look().idle:
                self._known = False
        except Exception as error:  # whatever it is: the agent must start
            log.warning("taken for protected from scale-in, since the group does not answer: %s", error)

    @property
    def dropped(self) -> bool:
        """The group may take this machine, and knows so: it counts as idle."""
        return self._known is False

    def take(self) -> None:
        """Be protected, if the group lets itself be reached. Raises ChosenToGoError."""
        self._wanted = True
        if self._known:
            return
        with self._calling:
            if self._known or (self._known is None and self._retrying):
                return
            try:
                self._call(True)
            except NotInServiceError as error:
                raise ChosenToGoError(str(error)) from error
            except Exception as error:
                log.warning("not protected from scale-in yet, trying again while at work: %s", error)
                if not self._retrying:
                    self._retrying = True
                    self._in_background(self._keep_trying)

    def drop(self) -> None:
        """Let the group take this machine. Raises NotInServiceError, BotoCoreError and ClientError."""
        self._wanted = False
        if self.dropped:
            return
        with self._calling:
            before = self._known
            try:
                self._call(False)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] < HTTPStatus.INTERNAL_SERVER_ERROR:
                    self._known = before  # an answer: nothing has changed
                raise
        log.info("idle: the group may take this machine")

    def assume(self) -> None:
        """Be as at the start, protected as far as known: the group knows nothing of this machine."""
        self._wanted = self._known = True

    def _call(self, protected: bool) -> None:
        """A refusal has changed nothing; any other error may hide that the call was heard."""
        before, self._known = self._known, None
        try:
            self._group.set_protection(protected=protected)
        except NotInServiceError:
            self._known = before
            raise
        self._known = protected

    def _keep_trying(self) -> None:
        back_off = BackOff(first_seconds=FIRST_BACK_OFF_SECONDS, longest_seconds=LONGEST_BACK_OFF_SECONDS)
        trying = True
        while trying:
            self._sleep(back_off.after_failure())
            with self._calling:
                trying = self._try_again()
                self._retrying = trying

    def _try_again(self) -> bool:
        """Whether to go on with it."""
        if not self._wanted or self._known:
            return False
        try:
            self._call(True)
        except NotInServiceError as error:
            log.warning("not protected from scale-in: %s", error)  # the group's notice follows
            return False
        except Exception as error:
            log.info("not protected from scale-in yet: %s", error)
            return True
        log.info("protected from scale-in")
        return False
