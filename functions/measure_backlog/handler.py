"""Measures the backlog and emits it, each minute. On an error nothing is emitted: scaling stays as it is."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache, partial
from time import monotonic, sleep
from typing import Any

import boto3

from contract.scaling import UPLOADED_EVENT, WATCH_EVENT
from contract.settings import BacklogSettings
from functions.measure_backlog.measurement import Measurement
from functions.measure_backlog.records import BacklogRecords
from functions.measure_backlog.watch import watch

logging.getLogger().setLevel(logging.INFO)


class UncountedError(RuntimeError):
    """The fleet has its measure; the log says why something beside it could not be counted."""


class NoMachineComesUpError(RuntimeError):
    """No machine is started any more, for the last ones could not be set up."""


@cache
def _measurement() -> Measurement:
    settings = BacklogSettings.from_env(os.environ)
    return Measurement(
        settings=settings,
        sqs=boto3.client("sqs"),
        autoscaling=boto3.client("autoscaling"),
        cloudwatch=boto3.client("cloudwatch"),
        ec2=cache(partial(boto3.client, "ec2")),
        records=BacklogRecords(boto3.resource("dynamodb").meta.client, settings.job_table_name),
    )


def handle(event: Mapping[str, Any] | None, context: object) -> dict[str, Any]:
    """Lambda entry. Returns what it measured first, for whoever calls it by hand.

    The schedule's event has WATCH_EVENT: then it goes on measuring for the minute while there is work. A new
    upload's has UPLOADED_EVENT: it only wakes a farm that sleeps.

    Raises UncountedError at the end of a minute in which the spending or a standstill could not be counted:
    the budget holds nothing then, and somebody has to hear of it. So it is with NoMachineComesUpError: jobs
    wait, and nothing but a person or a deploy ends that.
    """
    begun = monotonic()
    measurement = _measurement()
    if event and event.get(UPLOADED_EVENT):
        woken = measurement.of_an_upload()
        return asdict(woken) if woken else {}
    minute = measurement.of_the_minute()
    if event and event.get(WATCH_EVENT):
        watch(minute.backlog, measurement.in_between, begun=begun, clock=monotonic, sleep=sleep)
    if minute.uncounted:  # everything is emitted; an error of the function's calls somebody
        raise UncountedError(f"could not be counted: {', '.join(minute.uncounted)}")
    if minute.held:
        raise NoMachineComesUpError(minute.refused)
    return {**asdict(minute.backlog), "refused": minute.refused}
