"""What AWS knows of each agent's machine: that it is to go, when, and whether the agent has said its word."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe

from contract.lifecycle import TERMINATED

TARGET_STATE = "autoscaling/target-lifecycle-state"
SPOT = "spot/instance-action"
REBALANCE = "events/recommendations/rebalance"


class NoSuchMachineError(KeyError):
    """No agent has this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedAction:
    """A CompleteLifecycleAction, in words of the call."""

    worker_id: str
    hook: str
    group: str
    result: str


@dataclass(slots=True)
class _Machine:
    meta_data: dict[str, str]
    tokens: dict[str, float] = field(default_factory=dict)
    """Until when each is good, by the clock."""
    taken_at: float | None = None
    """When Spot takes it back."""
    completed: bool = False


class Machines:
    """Safe to use from any thread. `clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._machines: dict[str, _Machine] = {}
        self.completed: list[CompletedAction] = []
        """Calls that were accepted: one for each machine that was told to go."""
        self.refused: list[CompletedAction] = []

    def add(self, worker_id: str) -> None:
        """A new machine in service, unless it is there already."""
        with self._lock:
            self._machines.setdefault(
                worker_id, _Machine({"instance-id": worker_id, TARGET_STATE: "InService"})
            )

    def remove(self, worker_id: str) -> None:
        with self._lock:
            self._machines.pop(worker_id, None)

    def notice_spot(self, worker_id: str, seconds: float) -> None:
        """Spot takes the machine back in so many seconds."""
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        action = {"action": "terminate", "time": at.strftime("%Y-%m-%dT%H:%M:%SZ")}  # whole seconds, as AWS
        with self._machine(worker_id) as machine:
            machine.meta_data[SPOT] = json.dumps(action)
            machine.taken_at = self._clock() + seconds

    def recommend_rebalance(self, worker_id: str) -> None:
        with self._machine(worker_id) as machine:
            machine.meta_data[REBALANCE] = json.dumps({"noticeTime": datetime.now(UTC).isoformat()})

    def terminate(self, worker_id: str) -> None:
        """The group has chosen the machine to go; it waits for the agent's word."""
        with self._machine(worker_id) as machine:
            machine.meta_data[TARGET_STATE] = TERMINATED

    def may_end(self, worker_id: str) -> bool:
        """Whether the agent has completed the lifecycle hook. A machine that is not there may."""
        with self._lock:
            machine = self._machines.get(worker_id)
            return machine is None or machine.completed

    def is_taken(self, worker_id: str) -> bool:
        """Whether Spot's time is over: the machine is switched off, whatever it is doing."""
        with self._lock:
            machine = self._machines.get(worker_id)
            return bool(machine and machine.taken_at is not None and self._clock() >= machine.taken_at)

    def complete(self, action: CompletedAction) -> bool:
        """An agent's word. False when nobody waits for it: not told to go, or said before."""
        with self._lock:
            machine = self._machines.get(action.worker_id)
            waiting = machine is not None and machine.meta_data[TARGET_STATE] == TERMINATED
            if machine is None or not waiting or machine.completed:
                self.refused.append(action)
                return False
            machine.completed = True
            self.completed.append(action)
            return True

    def make_token(self, worker_id: str, ttl_seconds: int) -> str:
        with self._machine(worker_id) as machine:
            token = token_urlsafe(24)
            machine.tokens[token] = self._clock() + ttl_seconds
            return token

    def knows_token(self, worker_id: str, token: str) -> bool:
        with self._machine(worker_id) as machine:
            return self._clock() < machine.tokens.get(token, float("-inf"))

    def meta_data(self, worker_id: str, path: str) -> str | None:
        with self._machine(worker_id) as machine:
            return machine.meta_data.get(path)

    @contextmanager
    def _machine(self, worker_id: str) -> Iterator[_Machine]:
        with self._lock:
            machine = self._machines.get(worker_id)
            if machine is None:
                raise NoSuchMachineError(worker_id)
            yield machine
