"""Looks every five minutes for jobs that wait for a task which is on no queue any more, and for those that
the budget holds no more."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Protocol

import boto3

from contract.settings import SweepSettings
from functions.sweep_jobs.queues import TaskQueues
from functions.sweep_jobs.records import SweptRecords
from functions.sweep_jobs.sweep import Sweep

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)

MARGIN_SECONDS: Final = 20
"""Before the Lambda's deadline: longer than one job's reads and writes take."""


class BrokenJobsError(RuntimeError):
    """All other jobs were looked after; of these the log says what is wrong."""


class Context(Protocol):
    """What of Lambda's context is used."""

    def get_remaining_time_in_millis(self) -> int: ...


@cache
def _dynamodb() -> Any:
    return boto3.resource("dynamodb").meta.client


@cache
def _sqs() -> Any:
    return boto3.client("sqs")


def handle(event: object, context: Context) -> dict[str, Any]:
    """Lambda entry. Returns its report, for whoever calls it by hand."""
    settings = SweepSettings.from_env(os.environ)
    report = Sweep(
        records=SweptRecords(_dynamodb(), settings.job_table_name),
        queues=TaskQueues(_sqs(), settings),
        stall_seconds=settings.stall_seconds,
        monthly_budget_dollars=settings.monthly_budget_dollars,
        now=lambda: datetime.now(UTC),
        out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_SECONDS * 1000,
    ).run()
    log.info("%s", report)
    if report.broken:  # an error of the function's is seen on the dashboard
        raise BrokenJobsError(f"{len(report.broken)} jobs could not be swept: {', '.join(report.broken)}")
    return asdict(report)
