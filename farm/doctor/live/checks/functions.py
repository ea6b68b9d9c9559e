"""The farm's Lambdas where AWS runs them: in the VPC, for the console, by the minute, and with their logs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.config import Config

from contract.metrics import FLEET_DIMENSION, WANTED_WORKERS
from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Seen, not_so, not_tried, ok

JANITOR_SECONDS: Final = 120.0
MEASURED_MINUTES: Final = 3
"""One for the measure, one for CloudWatch, one to spare."""
LOGGED: Final = (
    "BacklogFunctionName",
    "SweepFunctionName",
    "JanitorFunctionName",
    "JobsWidgetFunctionName",
    "JobActionFunctionName",
)
_WIDGET_EVENT: Final = {"jobs": 50, "widgetContext": {"theme": "light", "width": 1200}}
_LAMBDAS_OWN: Final = "/aws/lambda/"


def janitor_in_vpc(run: LiveRun) -> Seen:
    """One round of the janitor, as each hour has one: it reads the table and the file system, or fails."""
    clients = run.farm.clients
    begun = run.clock()
    patience = min(JANITOR_SECONDS, max(1.0, run.ends_at - begun))
    patient = Config(read_timeout=patience, retries={"total_max_attempts": 1})
    config = clients.config.merge(patient) if clients.config else patient
    functions = replace(clients, config=config).functions
    answer = functions.invoke(FunctionName=run.farm.outputs["JanitorFunctionName"], Payload=b"{}")
    if "FunctionError" in answer:
        return not_so(f"the janitor failed: {_text(answer)[:300]}")
    return ok(f"the janitor went round the scratch space in {run.clock() - begun:.1f} s")


def widget(run: LiveRun) -> Seen:
    """The dashboard's jobs, drawn as the console has them drawn, with this job among them."""
    if run.job() is None:
        return not_tried("there is no job")
    answer = run.farm.clients.functions.invoke(
        FunctionName=run.farm.outputs["JobsWidgetFunctionName"], Payload=json.dumps(_WIDGET_EVENT).encode()
    )
    drawn = _text(answer)
    if "FunctionError" in answer:
        return not_so(f"the function failed: {drawn[:300]}")
    if run.job_id not in drawn:
        return not_so(f"{len(drawn)} letters of HTML without this job")
    return ok(f"{len(drawn)} letters of HTML, this job among them")


def measures_arrive(run: LiveRun) -> Seen:
    """A measure of the last minutes can be read."""
    now, settings = datetime.now(UTC), run.backlog
    answer = run.farm.clients.metrics.get_metric_statistics(
        Namespace=settings.cloudwatch_namespace,
        MetricName=WANTED_WORKERS,
        Dimensions=[{"Name": FLEET_DIMENSION, "Value": settings.worker_asg_name}],
        StartTime=now - timedelta(minutes=MEASURED_MINUTES),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )
    points = answer["Datapoints"]
    if not points:
        return not_so(f"no {WANTED_WORKERS} in the last {MEASURED_MINUTES} minutes")
    newest = max(point["Timestamp"] for point in points)
    return ok(f"{WANTED_WORKERS} of {newest:%H:%M} UTC is there, at {now:%H:%M}")


def logs_kept(run: LiveRun) -> Seen:
    """Each function writes into a log group that forgets, and made none of its own beside it."""
    functions, logs = run.farm.clients.functions, run.farm.clients.client("logs")
    wrong = []
    for output in LOGGED:
        name = run.farm.outputs[output]
        asked = functions.get_function_configuration(FunctionName=name)
        group = asked.get("LoggingConfig", {}).get("LogGroup", "")
        if not group:
            return not_tried(f"Lambda does not say where {name} writes its log")
        if not _groups(logs, group).get(group):
            wrong.append(f"{group} is kept for ever")
        if group != _LAMBDAS_OWN + name and _LAMBDAS_OWN + name in _groups(logs, _LAMBDAS_OWN + name):
            wrong.append(f"{_LAMBDAS_OWN + name} is there as well")
    return not_so("; ".join(wrong)) if wrong else ok(f"the logs of {len(LOGGED)} functions forget in time")


def _groups(logs: Any, prefix: str) -> dict[str, int]:
    """Days that each log group is kept, 0 for ever."""
    found = logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    return {group["logGroupName"]: int(group.get("retentionInDays", 0)) for group in found}


def _text(answer: Any) -> str:
    """What a function gave back: the widget's HTML is a JSON string."""
    payload = answer["Payload"].read().decode("utf-8", "replace")
    try:
        value = json.loads(payload)
    except ValueError:
        return str(payload)
    return value if isinstance(value, str) else str(payload)
