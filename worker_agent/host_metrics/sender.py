"""A thread that measures the machine every few seconds, and tells what it found once a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from worker_agent.host_metrics.minute import Minute
from worker_agent.telemetry.metric_sinks import MetricSink

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
SEND_SECONDS: Final = 60.0
JOIN_SECONDS: Final = 3.0
"""A call that hangs as the agent ends is not waited for any longer."""


class Measured(Protocol):
    """A part of the machine."""

    def read(self) -> Mapping[str, Iterable[float]]: ...


class HostMetrics:
    """Nothing waits for it, and no error of it is anybody's. What it tells is the fleet's, whichever machine
    this is: a metric for each machine would cost for each. `clock` gives seconds that only go forward.
    """

    def __init__(
        self,
        sink: MetricSink,
        *,
        parts: Iterable[Measured],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sink = sink
        self._parts = tuple(parts)
        self._clock = clock
        self._minute = Minute()
        self._sent_at = clock()
        self._failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="host-metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What was measured since the last call is dropped: a minute that is not over says little."""
        self._stop.set()
        self._thread.join(JOIN_SECONDS)

    def look(self) -> None:
        """Measure once, and send what there is if a minute is over."""
        try:
            for part in self._parts:
                self._minute.add(part.read())
            if self._clock() - self._sent_at >= SEND_SECONDS:
                self._send()
            self._failing = False
        except Exception as error:  # whatever it is: frames do not wait for what is said of their machine
            if not self._failing:
                log.warning("cannot tell how busy this machine is: %s", error)
            self._failing = True

    def _send(self) -> None:
        measured, self._minute, self._sent_at = self._minute.measured(), Minute(), self._clock()
        if measured:
            self._sink.tell(measured)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()
