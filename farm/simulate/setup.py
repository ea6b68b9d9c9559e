"""The numbers of the farm that is deployed: from `cdk.json` and `-c name=value`, as the stacks read them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.scaling import ScalingLimits
from stacks.config import ConfigError, FarmConfig

CDK_JSON: Final = Path(__file__).parents[2] / "cdk.json"
_EXAMPLE: Final = "acceptable_latency_seconds=900"


class SetupError(ValueError):
    """No farm can be set up so; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    limits: ScalingLimits
    idle_seconds: float


def read_setup(overrides: Iterable[str] = (), **variables: object) -> Setup:
    """`overrides` are `name=value`, `variables` come last; None is none. Raises SetupError."""
    context: dict[str, Any] = json.loads(CDK_JSON.read_text("utf-8"))["context"]
    for override in overrides:
        name, equals, value = override.partition("=")
        if not name or not equals:
            raise SetupError(f"--context {override[:200]!r}: expected name=value, such as {_EXAMPLE}")
        context[name] = value
    context |= {name: str(value) for name, value in variables.items() if value is not None}
    try:
        config = FarmConfig.from_context(context)
    except ConfigError as error:
        raise SetupError(str(error)) from error
    return Setup(
        limits=ScalingLimits(
            acceptable_latency_seconds=config.acceptable_latency_seconds,
            worker_start_seconds=config.worker_start_seconds,
            frame_queue_bpi=config.frame_queue_bpi,
            project_init_queue_bpi=config.project_init_queue_bpi,
            max_workers=config.worker_node_max_count,
        ),
        idle_seconds=config.worker_idle_seconds,
    )
