"""Takes away what the machines have said that came for a run: their log streams, and their records.

Of a farm that slept before and sleeps again. A machine that goes on working is the farm's, as its words are;
and why one could not be set up (the stream that ends in /boot) somebody has to read.
"""

from __future__ import annotations

from typing import Final

from contract.metric_lines import metrics_stream
from contract.worker_record import worker_key
from farm.doctor.live.live_run import LiveRun

GONE_SECONDS: Final = 40.0
"""A machine with nothing to do ends itself within seconds, on a farm as it is by default."""
LAST_LINES_SECONDS: Final = 15.0
_GOING: Final = "Terminating"
"""Begins the states of a machine whose agent has said its last word."""


def take_away(run: LiveRun) -> None:
    if run.desired_before or not run.job_id or run.others():
        return
    if run.wait_after(GONE_SECONDS, lambda: _asleep(run) or None):
        for worker_id in run.workers() - run.workers_before:
            _forget(run, worker_id)


def _asleep(run: LiveRun) -> bool:
    group = run.group()
    return group["DesiredCapacity"] == 0 and all(
        each["LifecycleState"].startswith(_GOING) for each in group.get("Instances", [])
    )


def _forget(run: LiveRun, worker_id: str) -> None:
    logs, group = run.farm.clients.client("logs"), run.farm.outputs["WorkerLogGroupName"]

    def streams() -> list[str] | None:
        """An agent may send its first lines as it ends."""
        found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=worker_id)["logStreams"]
        names = [each["logStreamName"] for each in found]
        own = (worker_id, metrics_stream(worker_id))
        return [name for name in names if name in own] if worker_id in names else None

    for name in run.wait_after(LAST_LINES_SECONDS, streams) or ():
        logs.delete_log_stream(logGroupName=group, logStreamName=name)
    run.farm.clients.dynamodb.meta.client.delete_item(
        TableName=run.farm.outputs["JobTableName"], Key=worker_key(worker_id)
    )
