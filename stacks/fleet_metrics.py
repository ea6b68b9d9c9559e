"""Metrics of the fleet, as the Lambdas and the agents emit them."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import Metric

from contract.metrics import FLEET_DIMENSION


def fleet_metric(
    name: str,
    *,
    namespace: str,
    fleet: str,
    statistic: str,
    label: str | None = None,
    period: Duration | None = None,
) -> Metric:
    """A metric by its name in `contract.metrics`; without a period, minute by minute."""
    return Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map={FLEET_DIMENSION: fleet},
        statistic=statistic,
        label=label,
        period=period or Duration.minutes(1),
    )
