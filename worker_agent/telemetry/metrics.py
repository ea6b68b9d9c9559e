"""What the dashboard shows of frames: gathered, and sent once a minute in one call."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from contract.metrics import FLEET_DIMENSION, FRAME_SECONDS, FRAMES_DONE, FRAMES_FAILED

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDatumTypeDef

log = logging.getLogger(__name__)

PERIOD_SECONDS = 60


class FrameMetrics:
    def __init__(self, cloudwatch: CloudWatchClient, *, namespace: str, fleet: str) -> None:
        self._cloudwatch = cloudwatch
        self._namespace = namespace
        self._fleet = fleet
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
        """Send what was gathered. A metric that cannot be sent is dropped: it is worth no frame."""
        with self._lock:
            data = self._data()
            self._seconds, self._failed, self._sent_at = [], 0, time.monotonic()
        if not data:
            return
        try:
            self._cloudwatch.put_metric_data(Namespace=self._namespace, MetricData=data)
        except (BotoCoreError, ClientError) as error:
            log.warning("could not send metrics: %s", error)

    def _data(self) -> list[MetricDatumTypeDef]:
        dimensions: list[DimensionTypeDef] = [{"Name": FLEET_DIMENSION, "Value": self._fleet}]
        data: list[MetricDatumTypeDef] = []
        if self._seconds:
            data.append(
                {
                    "MetricName": FRAME_SECONDS,
                    "Dimensions": dimensions,
                    "Unit": "Seconds",
                    "StatisticValues": {
                        "SampleCount": len(self._seconds),
                        "Sum": sum(self._seconds),
                        "Minimum": min(self._seconds),
                        "Maximum": max(self._seconds),
                    },
                }
            )
        for name, count in ((FRAMES_DONE, len(self._seconds)), (FRAMES_FAILED, self._failed)):
            if count:
                data.append({"MetricName": name, "Dimensions": dimensions, "Unit": "Count", "Value": count})
        return data
