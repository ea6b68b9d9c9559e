"""What each worker says of itself in the job table: what it is doing, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from zlib import crc32

from contract.table import EXPIRES_AT, PARTITION_KEY, SORT_KEY

WORKER_SHARDS: Final = 4
"""Partitions for them: a thousand workers write one item each every few seconds."""
STALE_SECONDS: Final = 180
"""A record that was not renewed for so long is one of a worker that is gone."""
RENEW_SECONDS: Final = 60
KEPT_SECONDS: Final = 24 * 3600
RECENT_FRAMES: Final = 3
"""So many of its last frames does a worker tell the times of."""


NO_FRAME: Final = -1
"""No frame has a number below 0."""


class Doing(StrEnum):
    IDLE = "IDLE"
    BAKE = "BAKE"
    RENDER = "RENDER"
    FINISH = "FINISH"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    worker_id: str
    doing: Doing
    job_id: str = ""
    frame: int = NO_FRAME
    """That it renders; none while it opens the scene."""
    since: int
    """Epoch seconds at which it began this."""
    seen_at: int
    """Epoch seconds at which this was written."""
    recent_seconds: tuple[float, ...] = ()
    """How long its last frames of this job took, the newest last."""
    sessions: int = 1
    """How many of the job's frames it renders at once."""
    instance_type: str = ""
    spot: bool = False
    hour_microdollars: int = 0
    """What an hour of this machine costs; 0: nothing, or nobody knows."""

    def busy_seconds(self, now: int) -> float:
        """How long it has been at this, at the epoch second `now`: no longer than it can be heard to be."""
        return float(max(0, min(now, self.seen_at + RENEW_SECONDS) - self.since))

    @property
    def recent_worker_seconds(self) -> tuple[float, ...]:
        """How much of this worker's time each of its last frames took."""
        return tuple(seconds / max(1, self.sessions) for seconds in self.recent_seconds)

    def to_item(self) -> dict[str, Any]:
        """The table item, with its key; DynamoDB drops it a day after it was last renewed."""
        return {
            **worker_key(self.worker_id),
            **asdict(self),
            "doing": str(self.doing),
            "recent_seconds": [Decimal(f"{seconds:.3f}") for seconds in self.recent_seconds],
            EXPIRES_AT: self.seen_at + KEPT_SECONDS,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> WorkerRecord:
        """Numbers may be Decimal; attributes of newer versions are left out."""
        known = {f.name: str(f.type) for f in fields(cls)}
        values: dict[str, Any] = {
            name: int(v) if known[name] == "int" else v for name, v in item.items() if name in known
        }
        values["doing"] = Doing(item["doing"])
        values["recent_seconds"] = tuple(float(seconds) for seconds in item.get("recent_seconds", ()))
        return cls(**values)


def worker_key(worker_id: str) -> dict[str, str]:
    shard = crc32(worker_id.encode()) % WORKER_SHARDS
    return {PARTITION_KEY: workers_partition(shard), SORT_KEY: f"WORKER#{worker_id}"}


def workers_partition(shard: int) -> str:
    return f"WORKERS#{shard}"
