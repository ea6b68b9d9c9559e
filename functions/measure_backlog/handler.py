"""Measures the backlog and emits it, each minute. On an error nothing is emitted: scaling stays as it is."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache, partial
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import boto3

from contract.scaling import UPLOADED_EVENT, WATCH_EVENT, Backlog
from contract.settings import BacklogSettings
from functions.measure_backlog.measurement import Measurement
from functions.measure_backlog.records import BacklogRecords
from functions.measure_backlog.turn import Turn
from functions.measure_backlog.watch import watch

logging.getLogger().setLevel(logging.INFO)


class UncountedError(RuntimeError):
    """The fleet has its measure; the log says why something beside it could not be counted."""


class NoMachineComesUpError(RuntimeError):
    """No machine is started any more, for the last ones could not be set up."""


@cache
def _measurement() -> Measurement:
    settings = BacklogSettings.from_env(os.environ)
    dynamodb = boto3.resource("dynamodb").meta.client
    return Measurement(
        settings=settings,
        sqs=boto3.client("sqs"),
        autoscaling=boto3.client("autoscaling"),
        cloudwatch=boto3.client("cloudwatch"),
        ec2=cache(partial(boto3.client, "ec2")),
        records=BacklogRecords(dynamodb, settings.job_table_name),
        turn=Turn(dynamodb=dynamodb, table_name=settings.job_table_name, watcher=uuid4().hex),
    )


def _watch(measurement: Measurement, backlog: Backlog, begun: float) -> None:
    watch(
        backlog,
        measurement.in_between,
        promise=measurement.turn.keep,
        begun=begun,
        clock=monotonic,
        sleep=sleep,
    )


def handle(event: Mapping[str, Any] | None, context: object) -> dict[str, Any]:
    """Lambda entry. Returns what it measured first, for whoever calls it by hand.

    The schedule's event has WATCH_EVENT: then it goes on measuring for the minute while that is unsettled. A
    new upload's has UPLOADED_EVENT: it does so, too, unless another run is about to look anyway.

    Raises UncountedError at the end of a minute in which the spending or a standstill could not be counted:
    the budget holds nothing then, and somebody has to hear of it. So it is with NoMachineComesUpError: jobs
    wait, and nothing but a person or a deploy ends that.
    """
    begun = monotonic()
    measurement = _measurement()
    if event and event.get(UPLOADED_EVENT):
        if not measurement.turn.claim():
            return {}
        try:
            backlog = measurement.in_between(heard_of=1)
            _watch(measurement, backlog, begun)
        finally:
            measurement.turn.leave()
        return asdict(backlog)
    minute = measurement.of_the_minute()
    if event and event.get(WATCH_EVENT) and minute.backlog.unsettled:
        measurement.turn.take()
        _watch(measurement, minute.backlog, begun)
    if minute.uncounted:  # everything is emitted; an error of the function's calls somebody
        raise UncountedError(f"could not be counted: {', '.join(minute.uncounted)}")
    if minute.held:
        raise NoMachineComesUpError(minute.refused)
    return {**asdict(minute.backlog), "refused": minute.refused}
