"""What is looked at on the deployed farm, in which order, and that nothing of it stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from botocore.config import Config

from farm.doctor.live.checks import functions, machines, plain_http, queues, records, scaling, uploads
from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Seen, TimeOverError, Verdict, judge

LIMIT_SECONDS: Final = 600.0
"""For all of it."""
REMOVAL_SECONDS: Final = 90.0
"""Of these, for taking everything away again."""

CONFIG: Final = Config(
    connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 2}
)
"""Of its clients: nothing of the ten minutes is lost to one that waits."""

LiveCheck = Callable[[LiveRun], Seen]

CHECKS: Final[dict[str, LiveCheck]] = {
    # while the upload is new
    "s3-event-names-the-upload": uploads.event_names_the_upload,
    "scaling-wakes": scaling.wakes,
    "scaling-born-protected": scaling.born_protected,
    "ec2-metadata-by-token": machines.metadata_by_token,
    # while a machine boots
    "s3-refuses-plain-http": plain_http.s3_refuses,
    "sqs-refuses-plain-http": plain_http.sqs_refuses,
    "dynamodb-refuses-plain-http": plain_http.dynamodb_refuses,
    "sqs-given-back-at-once": queues.given_back_at_once,
    "sqs-counts-lag": queues.counts_lag,
    "dynamodb-transaction-conflict": records.transaction_conflict,
    "scaling-tracking-alarms": scaling.tracking_alarms,
    "scaling-termination-hook": scaling.termination_hook,
    "ec2-image-parameter": machines.image_parameter,
    "lambda-in-vpc": functions.janitor_in_vpc,
    "cloudwatch-logs-kept": functions.logs_kept,
    "cloudwatch-measures-arrive": functions.measures_arrive,
    # as it works, and after
    "ec2-start-time": machines.start_time,
    "ec2-machine-renders": uploads.machine_renders,
    "cloudwatch-widget": functions.widget,
    "run-price": uploads.run_price,
    "scaling-ends-itself": scaling.ends_itself,
}
"""By the assumptions' ids in docs/aws-assumptions.md, in the order in which they are made."""


def examine(run: LiveRun) -> Iterator[Verdict]:
    """Upload the scene and make each check in turn. Raises what the upload raises.

    Whoever runs it takes away what it made (farm.doctor.live.traces), however it ends.
    """
    group = run.group()
    run.desired_before = int(group["DesiredCapacity"])
    run.machines_before = frozenset(each["InstanceId"] for each in group.get("Instances", []))
    run.workers_before = run.workers()
    uploads.upload(run)
    for assumption, check in CHECKS.items():
        yield judge(assumption, partial(_in_time, run, check))


def _in_time(run: LiveRun, check: LiveCheck) -> Seen:
    if run.clock() >= run.ends_at:
        raise TimeOverError("the time was over before it could be looked at")
    return check(run)
