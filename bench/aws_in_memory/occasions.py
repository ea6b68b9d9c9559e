"""Why a request is made: for a frame, or because time has passed. Told from the thread that makes it."""

from __future__ import annotations

import threading
from typing import Final

FRAMES: Final = "frames"
"""What a task takes, from its claim to its deletion."""
TIME: Final = "time"
"""What a worker says and renews every so many seconds, however many frames it has done meanwhile."""
_OF_TIME: Final = ("worker-report", "usage-meter", "host-metrics", "lease-renewal", "lease-watch")
"""Names of the agent's threads (worker_report, usage_meter, host_metrics, lease)."""


def occasion(service: str = "") -> str:
    """Metrics, which are lines of a log, are gathered and sent once a minute, whichever thread that is."""
    of_time = service == "cloudwatch-logs" or threading.current_thread().name.startswith(_OF_TIME)
    return TIME if of_time else FRAMES
