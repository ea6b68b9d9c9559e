"""The workers' Auto Scaling group: how many machines it wants. Its machines themselves are `machines`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from farm.local.machines import LifecycleState, Machines

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient


class GroupMissingError(LookupError):
    """There is no such Auto Scaling group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSize:
    desired: int
    minimum: int
    maximum: int
    protects_new: bool = True
    """Whether its machines are born protected from scale-in."""


class Group(Protocol):
    """Whoever reads its size and acts on it, or changes it, holds the lock meanwhile."""

    @property
    def name(self) -> str: ...

    @property
    def lock(self) -> AbstractContextManager[object]: ...

    def read(self) -> GroupSize: ...

    def set_desired(self, desired: int, why: str) -> None: ...


class DeployedGroup:
    """The group in the emulator: what a person sets there by hand holds as well.

    Every call raises GroupMissingError, BotoCoreError or ClientError when the emulator has no answer.
    """

    def __init__(self, scaling: AutoScalingClient, name: str, tell: Callable[[str], object]) -> None:
        self._scaling = scaling
        self._name = name
        self._tell = tell
        self._seen = 0
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def lock(self) -> AbstractContextManager[object]:
        return self._lock

    @property
    def last_desired(self) -> int:
        """As it was read or set last."""
        return self._seen

    def read(self) -> GroupSize:
        with self._lock:
            groups = self._scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self._name])[
                "AutoScalingGroups"
            ]
            if not groups:
                raise GroupMissingError(f"there is no Auto Scaling group {self._name}")
            group = groups[0]
            self._note(group["DesiredCapacity"], "set from outside")
            return GroupSize(
                desired=group["DesiredCapacity"],
                minimum=group["MinSize"],
                maximum=group["MaxSize"],
                protects_new=group.get("NewInstancesProtectedFromScaleIn", True),
            )

    def set_desired(self, desired: int, why: str) -> None:
        with self._lock:
            self._scaling.set_desired_capacity(AutoScalingGroupName=self._name, DesiredCapacity=desired)
            self._note(desired, why)

    def _note(self, desired: int, why: str) -> None:
        if desired != self._seen:
            self._tell(f"desired capacity {self._seen} -> {desired}: {why}")
        self._seen = desired


class StandingGroup:
    """A group without a fleet behind it, of whatever machines there are, by whatever name it is asked for.

    Nobody replaces or ends its machines, so none of them may shrink it, unless `may_shrink`.
    """

    def __init__(self, machines: Machines, *, may_shrink: bool = False) -> None:
        self._machines = machines
        self._may_shrink = may_shrink
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """Empty: any."""
        return ""

    @property
    def lock(self) -> AbstractContextManager[object]:
        return self._lock

    def read(self) -> GroupSize:
        in_service = sum(view.state is LifecycleState.IN_SERVICE for view in self._machines.views())
        return GroupSize(
            desired=in_service,
            minimum=0 if self._may_shrink else in_service,
            maximum=max(1, in_service),
        )

    def set_desired(self, desired: int, why: str) -> None:
        """It follows from the machines."""
