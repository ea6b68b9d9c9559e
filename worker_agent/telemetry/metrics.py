"""What the dashboard shows of frames: gathered, and told once a minute."""

from __future__ import annotations

import threading
import time

from contract.metric_lines import Measured
from contract.metrics import FRAME_SECONDS, FRAMES_DONE, FRAMES_FAILED
from worker_agent.telemetry.metric_sinks import MetricSink

PERIOD_SECONDS = 60


class FrameMetrics:
    def __init__(self, sink: MetricSink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._seconds: list[float] = []
        self._failed = 0
        self._sent_at = time.monotonic()

    def frame_done(self, seconds: float) -> None:
        """From any thread, as the next one."""
        with self._lock:
            self._seconds.append(seconds)

    def frame_failed(self) -> None:
        with self._lock:
            self._failed += 1

    def send_if_due(self) -> None:
        if time.monotonic() - self._sent_at >= PERIOD_SECONDS:
            self.send()

    def send(self) -> None:
        """Tell what was gathered, if anything was."""
        with self._lock:
            seconds, failed = tuple(self._seconds), self._failed
            self._seconds, self._failed, self._sent_at = [], 0, time.monotonic()
        measured = []
        if seconds:
            measured.append(Measured(name=FRAME_SECONDS, unit="Seconds", values=seconds))
            measured.append(Measured(name=FRAMES_DONE, unit="Count", values=(len(seconds),)))
        if failed:
            measured.append(Measured(name=FRAMES_FAILED, unit="Count", values=(failed,)))
        if measured:
            self._sink.tell(measured)
