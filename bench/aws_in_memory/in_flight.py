"""Items that a transaction holds while it is under way: another that wants one of them is rejected."""

from __future__ import annotations

import threading
from collections.abc import Collection

Key = tuple[str, ...]


class ItemsInFlight:
    """For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[Key] = set()

    def enter(self, items: Collection[Key]) -> set[Key]:
        """Those that another transaction holds; when there are none, all are held from now on."""
        with self._lock:
            met = self._held.intersection(items)
            if not met:
                self._held.update(items)
            return met

    def leave(self, items: Collection[Key]) -> None:
        with self._lock:
            self._held.difference_update(items)

    def holds(self, item: Key) -> bool:
        with self._lock:
            return item in self._held
