"""What happens when: simpy's clock, with plain calls in place of processes, which are quicker."""

from __future__ import annotations

from collections.abc import Callable

from simpy import Environment
from simpy.events import Timeout

Act = Callable[[], None]


class Appointment:
    """One call that will be made; it may be called off."""

    __slots__ = ("_timeout", "at")

    def __init__(self, timeout: Timeout, at: float) -> None:
        self._timeout = timeout
        self.at = at

    def call_off(self) -> None:
        if self._timeout.callbacks:  # None once it has been
            self._timeout.callbacks.clear()


class Agenda:
    """Calls for the same moment are made in the order in which they were agreed on."""

    def __init__(self) -> None:
        self._environment = Environment()

    @property
    def now(self) -> float:
        """Seconds since the simulation began."""
        return self._environment.now

    def after(self, seconds: float, act: Act) -> Appointment:
        timeout = self._environment.timeout(seconds)
        timeout.callbacks.append(lambda _: act())
        return Appointment(timeout, self.now + seconds)

    def soon(self, act: Act) -> None:
        """At this moment still, after all else that was agreed on for it."""
        self.after(0, act)

    def every(self, seconds: float, act: Act) -> None:
        """First after one period, then for ever."""

        def again() -> None:
            act()
            self.after(seconds, again)

        self.after(seconds, again)

    def run(self, *, until: float, finished: Callable[[], bool]) -> None:
        """Until it is finished or the time is up; what is due at that very moment is still done."""
        while not finished():
            if self._environment.peek() > until:
                if until > self.now:
                    self._environment.run(until)
                return
            self._environment.step()
