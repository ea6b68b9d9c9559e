"""The group that this worker is one of, as far as a worker may ask and tell it something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

IN_SERVICE: Final = "InService"
_REFUSED: Final = "ValidationError"
"""What the group answers about the protection of a machine that is still starting, or is going already."""


class NotInServiceError(Exception):
    """The group does not count this machine among those that work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    desired_capacity: int
    idle: frozenset[str]
    """Ids of those in service that are not protected from scale-in."""


class OwnGroup:
    """Every call raises BotoCoreError or ClientError. Safe to use from any thread."""

    def __init__(self, autoscaling: AutoScalingClient, *, name: str, worker_id: str) -> None:
        self._autoscaling = autoscaling
        self._name = name
        self.worker_id = worker_id
        """The instance id, as the group knows it."""

    def set_protection(self, *, protected: bool) -> None:
        """Whether a scale-in may choose this machine. Raises NotInServiceError, too."""
        try:
            self._autoscaling.set_instance_protection(
                InstanceIds=[self.worker_id],
                AutoScalingGroupName=self._name,
                ProtectedFromScaleIn=protected,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _REFUSED:
                raise
            raise NotInServiceError(str(error)) from error

    def look(self) -> GroupView:
        """One that is gone has no machines, and wants none."""
        answer = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self._name])
        groups = answer["AutoScalingGroups"]
        return GroupView(
            desired_capacity=sum(group["DesiredCapacity"] for group in groups),
            idle=frozenset(
                machine["InstanceId"]
                for group in groups
                for machine in group.get("Instances", [])
                if machine["LifecycleState"] == IN_SERVICE and not machine["ProtectedFromScaleIn"]
            ),
        )

    def end_worker(self, *, replaced: bool) -> None:
        """End this machine as a scale-in does, hook and all; the group starts another if it is replaced."""
        self._autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=self.worker_id, ShouldDecrementDesiredCapacity=not replaced
        )
