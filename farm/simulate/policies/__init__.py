"""Policies to run side by side, ours first."""

from __future__ import annotations

from contract.scaling import ScalingLimits
from farm.simulate.farm import Policy
from farm.simulate.policies.buildkite import Buildkite
from farm.simulate.policies.keda import Keda
from farm.simulate.policies.messages_per_instance import MessagesPerInstance
from farm.simulate.policies.original import Original
from farm.simulate.policies.ours import Ours

__all__ = ["Policy", "policies"]


def policies(limits: ScalingLimits, idle_seconds: float) -> tuple[Policy, ...]:
    """Ours, the original's, AWS's messages per instance, KEDA's, buildkite's."""
    return (
        Ours(limits=limits, idle_seconds=idle_seconds),
        Original(limits=limits),
        MessagesPerInstance(limits=limits),
        Keda(limits=limits),
        Buildkite(limits=limits),
    )
