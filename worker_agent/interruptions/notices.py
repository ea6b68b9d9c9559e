"""What the texts of the metadata service mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from contract.lifecycle import TERMINATED, TERMINATION_HEARTBEAT_SECONDS
from worker_agent.interruptions.departure import Interruption, Notice

SPOT_PATH = "spot/instance-action"
REBALANCE_PATH = "events/recommendations/rebalance"
TARGET_STATE_PATH = "autoscaling/target-lifecycle-state"

SPOT_NOTICE_SECONDS = 120
"""A Spot machine is taken back so long after its notice, and not later, whatever the clock here says."""


def read_spot(text: str, now: datetime) -> Notice:
    """`{"action": "terminate", "time": "2017-09-18T08:22:00Z"}`. Without a readable time none is left."""
    stated = _field(text, "time")
    try:
        seconds = (_moment(stated) - now).total_seconds()
    except ValueError:
        seconds = 0.0
    return Notice(
        kind=Interruption.SPOT, seconds=max(0.0, min(seconds, SPOT_NOTICE_SECONDS)), name=stated or text
    )


def read_rebalance(text: str) -> Notice:
    """`{"noticeTime": "2020-10-27T08:22:00Z"}`. A Spot notice may follow at once."""
    return Notice(
        kind=Interruption.REBALANCE,
        seconds=SPOT_NOTICE_SECONDS,
        name=_field(text, "noticeTime") or text,
    )


def read_target_state(text: str) -> Notice | None:
    """`InService`, or `Terminated` when the group has chosen this machine to go."""
    if text != TERMINATED:
        return None
    return Notice(kind=Interruption.SCALE_IN, seconds=TERMINATION_HEARTBEAT_SECONDS)


def _field(text: str, name: str) -> str:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(values.get(name, "")) if isinstance(values, dict) else ""


def _moment(text: str) -> datetime:
    """Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
