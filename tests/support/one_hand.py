"""A hand that does what it is given there and then: for tests where time passes only as somebody works."""

from __future__ import annotations

from collections.abc import Callable

from worker_agent.tasks.hands import Hands


class OneHand(Hands):
    def __init__(self) -> None:
        super().__init__(count=1)

    def give(self, work: Callable[[], None]) -> None:
        with self._changed:
            self._busy += 1
        try:
            work()
        except Exception as error:
            self._end(error)
        else:
            self._end(None)
