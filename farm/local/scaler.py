"""The deployed scaling loop, turned faster than once a minute: measure, track, set desired capacity."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from contract.scaling import Backlog
from farm.local.group import Group
from farm.local.policies import metric_values, read_policies
from farm.local.tracking import Breaches, next_capacity

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient


class ScalerError(RuntimeError):
    """The loop cannot turn; the message says which part of the deployed farm answers how."""


@dataclass(slots=True, kw_only=True)
class Scaler:
    """What it acts on is read from the deployed farm: the metric, the policies, their alarms, the bounds."""

    functions: LambdaClient
    scaling: AutoScalingClient
    cloudwatch: CloudWatchClient
    backlog_function: str
    group: Group
    max_agents: int
    """More are never desired: machines that cannot be started would still be counted as workers."""
    breaches: Breaches = field(default_factory=Breaches)

    def step(self) -> Backlog:
        """One minute of AWS: measure the backlog, and let the policies set the group's desired capacity.

        Raises ScalerError, PolicyError, GroupMissingError, BotoCoreError or ClientError; then nothing scales.
        """
        backlog = self._measure()
        values = metric_values(backlog)
        policies = read_policies(self.scaling, self.cloudwatch, self.group.name)
        self.breaches = self.breaches.after(policies.alarms, values)
        with self.group.lock:
            size = self.group.read()
            wanted = next_capacity(
                policies,
                self.breaches,
                values,
                desired=size.desired,
                minimum=size.minimum,
                maximum=min(size.maximum, self.max_agents),
            )
            if wanted != size.desired:
                self.group.set_desired(wanted, f"the policies, for {backlog.tasks} tasks")
        return backlog

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
