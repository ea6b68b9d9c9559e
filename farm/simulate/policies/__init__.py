"""Policies to run side by side, ours first."""

from __future__ import annotations

from contract.scaling import ScalingLimits
from farm.simulate.farm import Policy
from farm.simulate.policies.ours import Ours


def policies(limits: ScalingLimits, idle_seconds: float) -> tuple[Policy, ...]:
    """Ours, the original's, AWS's messages per instance, KEDA's, buildkite's."""
    return (Ours(limits=limits, idle_seconds=idle_seconds),)
