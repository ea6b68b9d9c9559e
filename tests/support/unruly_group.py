"""An Auto Scaling group in memory that its workers call as boto3's client, and that fails on purpose."""

# ruff: noqa: N803  # the names that boto3 gives its arguments

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

PROTECT, DROP, LOOK, END, HOOK = (
    "SetInstanceProtection(true)",
    "SetInstanceProtection(false)",
    "DescribeAutoScalingGroups",
    "TerminateInstanceInAutoScalingGroup",
    "CompleteLifecycleAction",
)
IN_SERVICE, PENDING, GOING = "InService", "Pending", "Terminating:Wait"


def refusal(code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Call",
    )


THROTTLED = refusal("Throttling", "Rate exceeded")
SILENT = ReadTimeoutError(endpoint_url="https://autoscaling")


@dataclass
class Machine:
    protected: bool = True
    state: str = IN_SERVICE


@dataclass
class UnrulyGroup:
    """`troubles` are what the next calls of a kind come to; `meddle` is called before each call."""

    machines: dict[str, Machine]
    min_size: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Kinds of call and who was meant."""
    troubles: dict[str, list[Exception]] = field(default_factory=dict)
    meddle: Callable[[str], object] = lambda kind: None
    heard_though_silent: bool = False
    """A call that times out has its effect all the same."""
    desired: int = 0
    ended: list[str] = field(default_factory=list)
    """Machines that the group has chosen, or agreed, to end."""

    def __post_init__(self) -> None:
        self.desired = self.desired or len(self.machines)

    def count(self, kind: str) -> int:
        return sum(called == kind for called, _ in self.calls)

    def scale_in(self) -> str | None:
        """The group wants one fewer, and takes one as soon as it may take any. Says which, if at once."""
        self.desired = max(self.min_size, self.desired - 1)
        return self._take_surplus()

    def set_instance_protection(
        self, *, InstanceIds: list[str], AutoScalingGroupName: str, ProtectedFromScaleIn: bool
    ) -> None:
        (name,) = InstanceIds

        def protect() -> None:
            machine = self.machines.get(name)
            if machine is None or machine.state != IN_SERVICE:
                raise refusal("ValidationError", f"The instance {name} is not in InService.")
            machine.protected = ProtectedFromScaleIn
            self._take_surplus()

        self._call(PROTECT if ProtectedFromScaleIn else DROP, name, protect)

    def describe_auto_scaling_groups(self, *, AutoScalingGroupNames: list[str]) -> dict[str, Any]:
        self._call(LOOK, "", lambda: None)
        machines = [
            {"InstanceId": name, "LifecycleState": machine.state, "ProtectedFromScaleIn": machine.protected}
            for name, machine in self.machines.items()
        ]
        return {"AutoScalingGroups": [{"DesiredCapacity": self.desired, "Instances": machines}]}

    def terminate_instance_in_auto_scaling_group(
        self, *, InstanceId: str, ShouldDecrementDesiredCapacity: bool
    ) -> None:
        def end() -> None:
            if ShouldDecrementDesiredCapacity and self.desired <= self.min_size:
                raise refusal("ValidationError", "would violate group's min size constraint")
            self.desired -= ShouldDecrementDesiredCapacity
            self._end(InstanceId)

        self._call(END, InstanceId, end)

    def complete_lifecycle_action(self, *, InstanceId: str, **_: str) -> None:
        def complete() -> None:
            if self.machines.get(InstanceId, Machine()).state != GOING:
                raise refusal("ValidationError", "No active Lifecycle Action found")
            del self.machines[InstanceId]

        self._call(HOOK, InstanceId, complete)

    def _take_surplus(self) -> str | None:
        serving = {name: machine for name, machine in self.machines.items() if machine.state == IN_SERVICE}
        free = [name for name, machine in serving.items() if not machine.protected]
        if len(serving) <= self.desired or not free:
            return None
        self._end(free[0])
        return free[0]

    def _end(self, name: str) -> None:
        self.machines[name].state = GOING
        self.ended.append(name)

    def _call(self, kind: str, name: str, act: Callable[[], None]) -> None:
        self.calls.append((kind, name))
        self.meddle(kind)
        troubles = self.troubles.get(kind, [])
        if troubles:
            trouble = troubles.pop(0)
            if trouble is SILENT and self.heard_though_silent:
                act()
            raise trouble
        act()
