"""Of which version the fleet should be: what the measure of each minute says, and its machines read.

It is said by the function that is deployed after the machines' launch template (app.py): whoever reads of
another version than its own knows that a machine started from now on is of that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from contract.boot import fleet_version_key


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetVersion:
    """Empty texts: nobody has said it yet."""

    worker_version: str = ""
    """Of a machine that is started now."""
    deploy_version: str = ""
    """Of the deploy, under which its boots are counted (contract.boot)."""
    since: int = 0
    """Epoch seconds at which the worker version was first said."""
    deployed_at: int = 0
    """Epoch seconds at which the deploy version was first said."""

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> Self:
        """Numbers may be Decimal."""
        item = item or {}
        return cls(
            worker_version=str(item.get("worker_version", "")),
            deploy_version=str(item.get("deploy_version", "")),
            since=int(item.get("since", 0)),
            deployed_at=int(item.get("deployed_at", 0)),
        )

    def to_item(self) -> dict[str, Any]:
        """The table item, with its key."""
        return {**fleet_version_key(), **asdict(self)}

    def followed_by(self, *, worker_version: str, deploy_version: str, now: int) -> FleetVersion:
        """What is to be said when these are deployed; `now` in epoch seconds."""
        return FleetVersion(
            worker_version=worker_version,
            deploy_version=deploy_version,
            since=self.since if worker_version == self.worker_version else now,
            deployed_at=self.deployed_at if deploy_version == self.deploy_version else now,
        )
