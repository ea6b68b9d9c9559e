"""What a worker does that has given its work back: it says so to the group, and waits for its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from contract.lifecycle import CONTINUE, TERMINATION_HOOK
from worker_agent.interruptions.departure import Departure, Interruption
from worker_agent.services.back_off import BackOff

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

log = logging.getLogger(__name__)

RETURN_SECONDS = 600.0
"""A machine of which nothing more was heard so long after a rebalance recommendation works again."""
LOOK_SECONDS = 1.0
MAX_BACK_OFF_SECONDS = 30.0


class TerminationHook:
    """The group's word that this machine may go; `instance_id` as the group knows it."""

    def __init__(self, autoscaling: AutoScalingClient, *, group: str, instance_id: str) -> None:
        self._autoscaling = autoscaling
        self._group = group
        self._instance_id = instance_id

    def complete(self) -> None:
        """Raises BotoCoreError or ClientError."""
        self._autoscaling.complete_lifecycle_action(
            LifecycleHookName=TERMINATION_HOOK,
            AutoScalingGroupName=self._group,
            InstanceId=self._instance_id,
            LifecycleActionResult=CONTINUE,
        )


class Farewell:
    """Asked again and again by a loop that holds nothing and takes nothing."""

    def __init__(
        self,
        departure: Departure,
        hook: TerminationHook,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._departure = departure
        self._hook = hook
        self._clock = clock
        self._drained_at: float | None = None
        self._completed = False
        self._back_off = BackOff(first_seconds=2.0, longest_seconds=MAX_BACK_OFF_SECONDS)
        self._try_at = 0.0

    def step(self, seen: int) -> None:
        """Do what is due, then wait a moment, at most for a notice that is none of the `seen` ones."""
        now = self._clock()
        if self._drained_at is None:
            self._drained_at = now
            log.info("%s: nothing is held any more", self._departure.kind)
        self._complete_if_due(now)
        if self._departure.kind is Interruption.REBALANCE and now - self._drained_at >= RETURN_SECONDS:
            log.info("nothing followed the rebalance recommendation: working again")
            self._departure.call_off(Interruption.REBALANCE)
            self._drained_at = None
            return
        self._departure.wait(LOOK_SECONDS, seen)

    def end(self) -> None:
        """The agent ends: a group that waits for its word gets it now."""
        self._complete_if_due(max(self._clock(), self._try_at))

    def _complete_if_due(self, now: float) -> None:
        """Once. After an error it is tried again: the group waits no longer than the hook's heartbeat."""
        if self._completed or now < self._try_at or not self._departure.has(Interruption.SCALE_IN):
            return
        try:
            self._hook.complete()
            self._completed = True
            log.info("the group may end this machine")
        except (BotoCoreError, ClientError) as error:
            self._try_at = now + self._back_off.after_failure()
            log.warning("could not complete the lifecycle hook, trying again: %s", error)
