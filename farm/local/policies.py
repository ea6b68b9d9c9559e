"""The scaling policies of the deployed group, with their alarms, as the emulator has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from contract.metrics import BACKLOG_PER_INSTANCE, GROW_TO
from contract.scaling import Backlog
from farm.local.tracking import Alarm, Policies, Step, StepPolicy, TrackingPolicy

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import ScalingPolicyTypeDef
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

EXACT_CAPACITY: Final = "ExactCapacity"


class PolicyError(RuntimeError):
    """The deployed policies cannot be followed; the message says why."""


def metric_values(backlog: Backlog) -> dict[str, float]:
    """A measure by the names of the metrics that it is emitted as, those that policies act on."""
    return {BACKLOG_PER_INSTANCE: backlog.backlog_per_instance, GROW_TO: float(backlog.grow_to)}


def read_policies(scaling: AutoScalingClient, cloudwatch: CloudWatchClient, group: str) -> Policies:
    """Those of this group. Raises PolicyError."""
    deployed = scaling.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
    alarms = [
        alarm
        for page in cloudwatch.get_paginator("describe_alarms").paginate()
        for alarm in page["MetricAlarms"]
    ]
    tracking = [policy for policy in deployed if "TargetTrackingConfiguration" in policy]
    if len(tracking) != 1:
        raise PolicyError(f"{group} has {len(tracking)} target-tracking policies: expected one")
    return Policies(
        tracking=_tracking(tracking[0], _alarms_of(tracking[0], alarms)),
        steps=tuple(
            _stepped(policy, alarm)
            for policy in deployed
            if policy.get("AdjustmentType") == EXACT_CAPACITY and policy.get("StepAdjustments")
            for alarm in _alarms_of(policy, alarms)
        ),
    )


def _alarms_of(policy: ScalingPolicyTypeDef, alarms: Sequence[MetricAlarmTypeDef]) -> Iterator[Alarm]:
    """The alarms on a metric of the backlog that call this policy."""
    arn, metrics = policy["PolicyARN"], (BACKLOG_PER_INSTANCE, GROW_TO)
    for alarm in alarms:
        if arn in alarm.get("AlarmActions", []) and alarm.get("MetricName") in metrics:
            yield Alarm(
                metric=alarm["MetricName"],
                comparison=alarm["ComparisonOperator"],
                threshold=alarm["Threshold"],
                periods=alarm["EvaluationPeriods"],
            )


def _tracking(policy: ScalingPolicyTypeDef, alarms: Iterator[Alarm]) -> TrackingPolicy:
    """Where its alarms cannot be seen, those that AWS documents."""
    configuration = policy["TargetTrackingConfiguration"]
    metric = configuration.get("CustomizedMetricSpecification", {}).get("MetricName", "")
    if metric != BACKLOG_PER_INSTANCE:
        raise PolicyError(f"{policy['PolicyName']} tracks {metric!r}: expected {BACKLOG_PER_INSTANCE}")
    documented = TrackingPolicy.documented(metric, configuration["TargetValue"])
    by_side = {alarm.comparison.startswith("Less"): alarm for alarm in alarms}
    return TrackingPolicy(
        metric=metric,
        target=documented.target,
        high=by_side.get(False, documented.high),
        low=by_side.get(True, documented.low),
    )


def _stepped(policy: ScalingPolicyTypeDef, alarm: Alarm) -> StepPolicy:
    """The bounds of a step are counted from the alarm's threshold."""
    return StepPolicy(
        alarm=alarm,
        steps=tuple(
            Step(
                lower=_from(alarm, step.get("MetricIntervalLowerBound")),
                upper=_from(alarm, step.get("MetricIntervalUpperBound")),
                capacity=step["ScalingAdjustment"],
            )
            for step in policy["StepAdjustments"]
        ),
    )


def _from(alarm: Alarm, bound: float | None) -> float | None:
    return None if bound is None else alarm.threshold + bound
