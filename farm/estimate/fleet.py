"""The fleet that a job would have, and what its machines cost: by the variables in cdk.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from contract.prices import LISTED_IN, LISTED_ON, MICRODOLLARS, mean_list_price
from contract.scaling import ScalingLimits
from farm.chosen_farm import FleetFacts
from farm.estimate.forecast import FleetPlan
from farm.estimate.span import Span
from farm.local.settings import ROOT
from stacks.config import FarmConfig

SPOT_SHARES: Final = Span(low=0.2, likely=0.4, high=1.0)
"""Of the list price: Spot has no fixed price, is usually far below the list, and never above it."""


def variables(root: Path = ROOT) -> FarmConfig:
    """The farm's variables as cdk.json has them; `-c` at a deploy is not known here. Raises ConfigError."""
    return FarmConfig.from_context(json.loads((root / "cdk.json").read_text("utf-8"))["context"])


def plan_of(config: FarmConfig, facts: FleetFacts | None, *, workers: int, price: Span | None) -> FleetPlan:
    """`workers`: as a person says, or 0. `facts`: of a farm that is not as the variables say."""
    limits = ScalingLimits(
        acceptable_latency_seconds=config.acceptable_latency_seconds,
        worker_start_seconds=facts.start_seconds if facts else config.worker_start_seconds,
        frame_queue_bpi=config.frame_queue_bpi,
        project_init_queue_bpi=config.project_init_queue_bpi,
        max_workers=facts.most_workers if facts else config.worker_node_max_count,
    )
    return FleetPlan(
        limits=limits,
        start_seconds=limits.worker_start_seconds,
        idle_seconds=float(config.worker_idle_seconds),
        hour_dollars=price,
        workers=workers,
    )


def price_of(
    config: FarmConfig, facts: FleetFacts | None, *, asked: float | None, paid: float | None
) -> tuple[Span | None, str]:
    """An hour of a machine, and where that is from. `asked` by the person, `paid` by a former job."""
    if asked is not None:
        return Span.exactly(asked), "as --hour-dollars says"
    if facts:
        if facts.hour_dollars:
            return Span.exactly(facts.hour_dollars), "as FARM_LOCAL_HOUR_DOLLARS says"
        return None, "this computer is on no price list: --hour-dollars gives it a price"
    if config.worker_hour_dollars is not None:
        return Span.exactly(config.worker_hour_dollars), "as the variable worker_hour_dollars says"
    if paid:
        return Span(low=paid * 0.8, likely=paid, high=paid * 1.3), "what the former job's machines cost"
    listed = mean_list_price(config.instance_types) / MICRODOLLARS
    if not listed:
        return None, "the instance types are on no price list here: --hour-dollars gives them a price"
    on_demand = config.on_demand_percentage / 100
    span = Span.exactly(listed).times(
        *(
            on_demand + (1 - on_demand) * share
            for share in (SPOT_SHARES.low, SPOT_SHARES.likely, SPOT_SHARES.high)
        )
    )
    spot = "" if on_demand == 1 else ", Spot taken as 20 to 100 % of it, likely 40 %"
    return span, f"AWS's list in {LISTED_IN} of {LISTED_ON}, ${listed:.3f} an hour{spot}"
