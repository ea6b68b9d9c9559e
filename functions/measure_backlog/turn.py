"""Which run of the measure looks next, and when: a hundred uploads at once are watched by one run.

An item of the job table says it. Two that look at once do no harm: each tells the fleet the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from contract.scaling import WATCH_PERIOD_SECONDS
from contract.table import watch_key

NOBODY_LOOKS: Final = "attribute_not_exists(next_look_at) OR next_look_at <= :now"
STILL_OURS: Final = "watcher = :watcher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a run says to the others. Its methods raise what AWS raises."""

    dynamodb: Any
    """A resource's client: it takes and gives Python values."""
    table_name: str
    watcher: str
    """No two that run at once have the same."""
    now: Callable[[], float] = time.time
    """Epoch seconds."""

    def claim(self) -> bool:
        """Take over unless another is about to look. False: it is, and sees whatever has come until now."""
        return self._note(WATCH_PERIOD_SECONDS, NOBODY_LOOKS, {":now": int(self.now())})

    def take(self) -> None:
        """Take over from whoever watches: a run that began before this one ends before it, too."""
        self._note(0)

    def keep(self, seconds: float) -> bool:
        """Promise to look again in so many. False: another run has taken over."""
        return self._note(seconds, STILL_OURS)

    def leave(self) -> None:
        """Promise nothing any more, unless another run has taken over: whoever comes now looks itself."""
        self._note(0, STILL_OURS)

    def _note(self, seconds: float, condition: str = "", values: dict[str, int] | None = None) -> bool:
        """Write it, and whether the condition was met. Rounded down: who comes later looks itself."""
        next_look = int(self.now() + seconds)
        try:
            self.dynamodb.update_item(
                TableName=self.table_name,
                Key=watch_key(),
                UpdateExpression="SET watcher = :watcher, next_look_at = :next",
                ExpressionAttributeValues={":watcher": self.watcher, ":next": next_look, **(values or {})},
                **({"ConditionExpression": condition} if condition else {}),
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True
