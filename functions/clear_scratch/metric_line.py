"""A metric as a line of the log, from which CloudWatch makes it (the embedded metric format).

The janitor's network leads to the file system and to DynamoDB, not to CloudWatch; its log needs no network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from contract.metrics import FLEET_DIMENSION, SCRATCH_BYTES


def metric_line(
    scratch_bytes: int, *, namespace: str, fleet: str, at: datetime, beside: Mapping[str, object]
) -> str:
    """One metric, the only one here that is paid for; what stands beside it can be searched in the log."""
    directive = {
        "Namespace": namespace,
        "Dimensions": [[FLEET_DIMENSION]],
        "Metrics": [{"Name": SCRATCH_BYTES, "Unit": "Bytes"}],
    }
    return json.dumps(
        {
            **beside,
            "_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]},
            FLEET_DIMENSION: fleet,
            SCRATCH_BYTES: scratch_bytes,
        }
    )
