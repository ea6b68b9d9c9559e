"""The calls of Auto Scaling that agents make, answered as AWS answers them.

Which machines there are, the laptop fleet knows; how many are wanted is kept in the deployed group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from farm.local.environment import ACCOUNT, REGION
from farm.local.group import Group, GroupMissingError, GroupSize
from farm.local.machines import (
    CompletedAction,
    LifecycleState,
    Machines,
    MachineView,
    NoSuchMachineError,
    NotInServiceError,
)
from farm.local.query_protocol import Answer, Query, QueryError, failure, result

MAX_IDS = 50
"""Instances that one SetInstanceProtection may name."""
_ZONE = f"{REGION}a"
_TEMPLATE = {"LaunchTemplateId": "lt-0123456789abcdef0", "LaunchTemplateName": "Worker", "Version": "1"}
_BORN = datetime.now(UTC).isoformat()


class AutoScaling:
    """Safe to use from any thread."""

    def __init__(self, machines: Machines, group: Group) -> None:
        self._machines = machines
        self._group = group
        self._calls: Mapping[str, Callable[[Query], object]] = {
            "CompleteLifecycleAction": self._complete,
            "SetInstanceProtection": self._protect,
            "TerminateInstanceInAutoScalingGroup": self._terminate,
            "DescribeAutoScalingGroups": self._describe,
        }

    def answer(self, body: str) -> Answer:
        """What to say to a call, which is a form."""
        query = Query.parse(body)
        call = self._calls.get(query.action)
        try:
            if call is None:
                raise QueryError(f"{query.action[:80]!r} is not served here", code="InvalidAction")
            return HTTPStatus.OK, result(query.action, call(query))
        except QueryError as error:
            return failure(error)
        except (GroupMissingError, BotoCoreError, ClientError) as error:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return failure(QueryError(f"the emulator: {error}", code="InternalFailure", status=status))

    def _complete(self, query: Query) -> object:
        action = CompletedAction(
            worker_id=query.parameters.get("InstanceId", ""),
            hook=query.text("LifecycleHookName"),
            group=query.text("AutoScalingGroupName"),
            result=query.text("LifecycleActionResult"),
        )
        if not self._machines.complete(action):
            raise QueryError(f"No active Lifecycle Action found with instance ID {action.worker_id}")
        return ""

    def _protect(self, query: Query) -> object:
        group, ids = query.text("AutoScalingGroupName"), query.members("InstanceIds")
        is_protected = query.flag("ProtectedFromScaleIn")
        if not 0 < len(ids) <= MAX_IDS:
            raise QueryError(f"InstanceIds has {len(ids)} members: expected 1 to {MAX_IDS}")
        if self._group.name not in ("", group):
            raise QueryError(f"AutoScalingGroup name not found - no such group: {group}")
        try:
            self._machines.protect(ids, is_protected)
        except NoSuchMachineError as error:
            raise QueryError(
                f"The instance {error.args[0]} is not part of Auto Scaling group {group}."
            ) from None
        except NotInServiceError as error:
            raise QueryError(
                f"The instance {error.args[0]} is not in InService or EnteringStandby or Standby."
            ) from None
        return ""

    def _terminate(self, query: Query) -> object:
        """Protection does not keep a machine from this, as on AWS."""
        worker_id, fewer = query.text("InstanceId"), query.flag("ShouldDecrementDesiredCapacity")
        with self._group.lock:
            size = self._group.read()
            try:
                state = self._machines.state(worker_id)
            except NoSuchMachineError:
                raise QueryError(
                    f"Instance Id not found - No managed instance found for instance ID {worker_id}"
                ) from None
            if state is not LifecycleState.IN_SERVICE:
                raise QueryError(f"The instance {worker_id} is not in InService or Standby.")
            if fewer and size.desired <= size.minimum:
                raise QueryError(
                    f"Currently, desiredSize equals minSize ({size.minimum}). Terminating instance without "
                    "replacement will violate group's min size constraint. Either set "
                    "shouldDecrementDesiredCapacity flag to false or lower group's min size."
                )
            if fewer:
                self._group.set_desired(size.desired - 1, f"{worker_id} ends itself")
            self._machines.terminate(worker_id)
        return {
            "Activity": {
                "ActivityId": uuid4(),
                "AutoScalingGroupName": self._group.name,
                "Description": f"Terminating EC2 instance: {worker_id}",
                "Cause": f"instance {worker_id} was taken out of service in response to a user request",
                "StartTime": datetime.now(UTC).isoformat(),
                "StatusCode": "InProgress",
                "Progress": 0,
            }
        }

    def _describe(self, query: Query) -> object:
        asked = query.members("AutoScalingGroupNames")
        with self._group.lock:
            size, machines = self._group.read(), self._machines.views()
        own = self._group.name
        names = asked if asked and not own else [own]
        found = [_described(name, size, machines) for name in names if not asked or name in asked]
        return {"AutoScalingGroups": found}


def _described(name: str, size: GroupSize, machines: list[MachineView]) -> dict[str, object]:
    return {
        "AutoScalingGroupName": name,
        "AutoScalingGroupARN": (
            f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:0:autoScalingGroupName/{name}"
        ),
        "LaunchTemplate": _TEMPLATE,
        "MinSize": size.minimum,
        "MaxSize": size.maximum,
        "DesiredCapacity": size.desired,
        "DefaultCooldown": 300,
        "AvailabilityZones": [_ZONE],
        "HealthCheckType": "EC2",
        "CreatedTime": _BORN,
        "NewInstancesProtectedFromScaleIn": size.protects_new,
        "Instances": [
            {
                "InstanceId": machine.worker_id,
                "AvailabilityZone": _ZONE,
                "LifecycleState": machine.state,
                "HealthStatus": "Healthy",
                "LaunchTemplate": _TEMPLATE,
                "ProtectedFromScaleIn": machine.is_protected,
            }
            for machine in machines
        ],
    }
