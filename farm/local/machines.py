"""What AWS knows of each agent's machine: that it is idle, or to go, and whether the agent said its word."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from secrets import token_urlsafe
from typing import Final

from contract.lifecycle import TERMINATED
from farm.local.environment import REGION

TARGET_STATE = "autoscaling/target-lifecycle-state"
SPOT = "spot/instance-action"
REBALANCE = "events/recommendations/rebalance"
IDENTITY: Final = "dynamic/instance-identity/document"
WHAT_IT_IS: Final = {
    "instance-type": "laptop",
    "instance-life-cycle": "on-demand",
    "placement/availability-zone": f"{REGION}a",
}
"""On no price list, and nobody's Spot machine: what it costs is said by FARM_LOCAL_HOUR_DOLLARS."""


class NoSuchMachineError(KeyError):
    """No agent has this machine."""


class NotInServiceError(ValueError):
    """The machine is on its way out; the argument is its worker id."""


class LifecycleState(StrEnum):
    IN_SERVICE = "InService"
    TERMINATING_WAIT = "Terminating:Wait"
    """Chosen to go; the group waits for the agent's word."""
    TERMINATING_PROCEED = "Terminating:Proceed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedAction:
    """A CompleteLifecycleAction, in words of the call."""

    worker_id: str
    hook: str
    group: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineView:
    """A machine at one moment, as the group sees it."""

    worker_id: str
    state: LifecycleState
    is_protected: bool
    """From scale-in: its agent has work, or may have some any moment."""

    @property
    def condition(self) -> str:
        """For a person to read."""
        if self.state is not LifecycleState.IN_SERVICE:
            return "going"
        return "protected" if self.is_protected else "idle"


@dataclass(slots=True)
class _Machine:
    meta_data: dict[str, str]
    idle_since: float | None
    """Since when it is not protected from scale-in, by the clock."""
    tokens: dict[str, float] = field(default_factory=dict)
    """Until when each is good, by the clock."""
    taken_at: float | None = None
    """When Spot takes it back."""
    completed: bool = False

    @property
    def state(self) -> LifecycleState:
        if self.meta_data[TARGET_STATE] != TERMINATED:
            return LifecycleState.IN_SERVICE
        return LifecycleState.TERMINATING_PROCEED if self.completed else LifecycleState.TERMINATING_WAIT


class Machines:
    """Safe to use from any thread. `clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._machines: dict[str, _Machine] = {}
        self.completed: list[CompletedAction] = []
        """Calls that were accepted: one for each machine that was told to go."""
        self.refused: list[CompletedAction] = []

    def add(self, worker_id: str, *, is_protected: bool = True) -> None:
        """A new machine in service, unless it is there already."""
        with self._lock:
            self._machines.setdefault(
                worker_id,
                _Machine(
                    {
                        "instance-id": worker_id,
                        **WHAT_IT_IS,
                        TARGET_STATE: LifecycleState.IN_SERVICE,
                        IDENTITY: _identity(datetime.now(UTC)),
                    },
                    idle_since=None if is_protected else self._clock(),
                ),
            )

    def remove(self, worker_id: str) -> None:
        with self._lock:
            self._machines.pop(worker_id, None)

    def views(self) -> list[MachineView]:
        """Every machine, in the order of their launch."""
        with self._lock:
            return [
                MachineView(worker_id=worker_id, state=machine.state, is_protected=machine.idle_since is None)
                for worker_id, machine in self._machines.items()
            ]

    def state(self, worker_id: str) -> LifecycleState:
        with self._machine(worker_id) as machine:
            return machine.state

    def protect(self, worker_ids: Collection[str], is_protected: bool) -> None:
        """All of them or none. Raises NoSuchMachineError or NotInServiceError."""
        with self._lock:
            for worker_id in worker_ids:
                if worker_id not in self._machines:
                    raise NoSuchMachineError(worker_id)
                if self._machines[worker_id].state is not LifecycleState.IN_SERVICE:
                    raise NotInServiceError(worker_id)
            for worker_id in worker_ids:
                machine = self._machines[worker_id]
                if is_protected:
                    machine.idle_since = None
                elif machine.idle_since is None:
                    machine.idle_since = self._clock()

    def take_idle(self, count: int) -> list[str]:
        """So many machines that are not protected, at most, told to go: those that idled longest."""
        with self._lock:
            idle = [
                (machine.idle_since, worker_id)
                for worker_id, machine in self._machines.items()
                if machine.state is LifecycleState.IN_SERVICE and machine.idle_since is not None
            ]
            chosen = [worker_id for _, worker_id in sorted(idle)[: max(0, count)]]
            for worker_id in chosen:
                self._machines[worker_id].meta_data[TARGET_STATE] = TERMINATED
            return chosen

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
        """The machine is to go, protected or not; the group waits for the agent's word."""
        with self._machine(worker_id) as machine:
            machine.meta_data[TARGET_STATE] = TERMINATED

    def is_going(self, worker_id: str) -> bool:
        """Whether it was told to go. A machine that is not there was not."""
        with self._lock:
            machine = self._machines.get(worker_id)
            return machine is not None and machine.state is not LifecycleState.IN_SERVICE

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
            if machine is None or machine.state is not LifecycleState.TERMINATING_WAIT:
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


def _identity(launched_at: datetime) -> str:
    """What EC2 says of a machine: of all of it, when it was launched, in whole seconds."""
    return json.dumps({"pendingTime": launched_at.strftime("%Y-%m-%dT%H:%M:%SZ")})
