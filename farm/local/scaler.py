"""The deployed scaling loop, turned faster than once a minute: measure, track, set desired capacity."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from contract.scaling import Backlog
from farm.local.tracking import ScaleIn, tracked_capacity

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_lambda import LambdaClient


class ScalerError(RuntimeError):
    """The loop cannot turn; the message says which part of the deployed farm answers how."""


@dataclass(slots=True, kw_only=True)
class Scaler:
    """Everything it acts on is read from the deployed farm: the metric, the policy's target, the maximum."""

    functions: LambdaClient
    scaling: AutoScalingClient
    backlog_function: str
    group: str
    patience_seconds: float
    scale_in: ScaleIn = field(default_factory=ScaleIn)

    def step(self, now: float) -> tuple[Backlog, int]:
        """Measure the backlog and set the group's desired capacity; both. Raises ScalerError."""
        backlog = self._measure()
        desired, maximum = self._capacity()
        proposed = tracked_capacity(
            desired=desired,
            maximum=maximum,
            metric=backlog.backlog_per_instance,
            target=self._target(),
            needs_wake=backlog.needs_wake,
        )
        self.scale_in, wanted = self.scale_in.step(
            proposed=proposed, desired=desired, now=now, patience_seconds=self.patience_seconds
        )
        if wanted != desired:
            self.scaling.set_desired_capacity(AutoScalingGroupName=self.group, DesiredCapacity=wanted)
        return backlog, wanted

    def _measure(self) -> Backlog:
        answer = self.functions.invoke(FunctionName=self.backlog_function)
        payload = answer["Payload"].read()
        if "FunctionError" in answer:
            raise ScalerError(f"the backlog function failed: {payload.decode('utf-8', 'replace')[:500]}")
        try:
            values = json.loads(payload)
            return Backlog(**{f.name: values[f.name] for f in fields(Backlog)})
        except (ValueError, TypeError, KeyError) as error:
            raise ScalerError(
                f"the backlog function answered {payload[:200]!r}: expected a backlog"
            ) from error

    def _capacity(self) -> tuple[int, int]:
        groups = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.group])[
            "AutoScalingGroups"
        ]
        if not groups:
            raise ScalerError(f"there is no Auto Scaling group {self.group}")
        return groups[0]["DesiredCapacity"], groups[0]["MaxSize"]

    def _target(self) -> float:
        policies = self.scaling.describe_policies(AutoScalingGroupName=self.group)["ScalingPolicies"]
        targets = [
            p["TargetTrackingConfiguration"]["TargetValue"]
            for p in policies
            if "TargetTrackingConfiguration" in p
        ]
        if len(targets) != 1:
            raise ScalerError(f"{self.group} has {len(targets)} target-tracking policies: expected one")
        return targets[0]
