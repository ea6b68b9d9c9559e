"""Where a worker's metrics go: into lines of its log, or to CloudWatch by calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from contract.metric_lines import Measured, metric_lines, metrics_stream
from contract.metrics import FLEET_DIMENSION
from contract.settings import AgentSettings
from worker_agent.telemetry.cloud_log import CloudLog

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient

log = logging.getLogger(__name__)

END_SECONDS: Final = 2
"""What the agent's end waits for its last metrics."""


def metric_sink(
    settings: AgentSettings,
    *,
    logs: CloudWatchLogsClient | None,
    connect_cloudwatch: Callable[[], CloudWatchClient],
) -> MetricLog | MetricCalls:
    """As the settings ask for; only what needs a client of CloudWatch's metrics makes one."""
    namespace, fleet = settings.cloudwatch_namespace, settings.worker_asg_name
    if not logs or not settings.metrics_log_group_name:
        return MetricCalls(connect_cloudwatch(), namespace=namespace, fleet=fleet)
    return MetricLog(
        logs,
        group=settings.metrics_log_group_name,
        worker_id=settings.worker_id,
        namespace=namespace,
        fleet=fleet,
    )


class MetricSink(Protocol):
    def tell(self, measured: Sequence[Measured]) -> None:
        """From any thread. Raises nothing: what cannot be told is dropped, for it is worth no frame."""


class MetricLog:
    """CloudWatch takes them out of the log's lines (contract.metric_lines). Calls cost nothing there, and are
    made by the log's thread: nobody waits for one.
    """

    def __init__(
        self, client: CloudWatchLogsClient, *, group: str, worker_id: str, namespace: str, fleet: str
    ) -> None:
        self._handler: logging.Handler = CloudLog(
            client, group=group, stream=metrics_stream(worker_id), form="%(message)s", end_seconds=END_SECONDS
        )
        self._namespace = namespace
        self._fleet = fleet

    def tell(self, measured: Sequence[Measured]) -> None:
        now = datetime.now(UTC)
        for line in metric_lines(measured, namespace=self._namespace, fleet=self._fleet, at=now):
            self._handler.handle(logging.LogRecord(__name__, logging.INFO, __file__, 0, line, None, None))

    def close(self) -> None:
        """Send what waits, and take no more."""
        self._handler.close()


class MetricCalls:
    """For a farm whose logs nobody reads metrics from: each telling is a call."""

    def __init__(self, cloudwatch: CloudWatchClient, *, namespace: str, fleet: str) -> None:
        self._cloudwatch = cloudwatch
        self._namespace = namespace
        self._fleet = fleet
        self._failing = False

    def tell(self, measured: Sequence[Measured]) -> None:
        data = [self._datum(one) for one in measured if one.values]
        if not data:
            return
        try:
            self._cloudwatch.put_metric_data(Namespace=self._namespace, MetricData=data)
        except (BotoCoreError, ClientError) as error:
            if not self._failing:
                log.warning("cannot send metrics: %s", error)
            self._failing = True
        else:
            self._failing = False

    def close(self) -> None:
        """Nothing waits."""

    def _datum(self, one: Measured) -> MetricDatumTypeDef:
        return {
            "MetricName": one.name,
            "Dimensions": [{"Name": FLEET_DIMENSION, "Value": self._fleet}],
            "Unit": one.unit,
            "StatisticValues": {
                "SampleCount": len(one.values),
                "Sum": sum(one.values),
                "Minimum": min(one.values),
                "Maximum": max(one.values),
            },
        }
