"""Clears the scratch space, each hour, and tells how much it holds."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import boto3
from botocore.config import Config

from contract.metric_lines import Measured, metric_lines
from contract.metrics import SCRATCH_BYTES
from contract.settings import JanitorSettings
from functions.clear_scratch.janitor import Janitor
from functions.clear_scratch.records import JobRecords

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)

MARGIN_SECONDS: Final = 60
"""Before the Lambda's deadline: longer than the job table can hold up a round."""


class Context(Protocol):
    """What of Lambda's context is used."""

    def get_remaining_time_in_millis(self) -> int: ...


@cache
def _dynamodb() -> Any:
    config = Config(
        connect_timeout=3,
        read_timeout=5,
        retries={"mode": "standard", "max_attempts": 3},
        account_id_endpoint_mode="disabled",  # the gateway endpoint is the way to the regional one
    )
    return boto3.resource("dynamodb", config=config).meta.client


def _now() -> datetime:
    return datetime.now(UTC)


def handle(event: object, context: Context) -> dict[str, Any]:
    """Lambda entry. Returns its report, for whoever calls it by hand."""
    settings = JanitorSettings.from_env(os.environ)
    janitor = Janitor(
        root=Path(settings.scratch_directory),
        records=JobRecords(_dynamodb(), settings.job_table_name),
        ttl=timedelta(hours=settings.scratch_ttl_hours),
        now=_now,
        out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_SECONDS * 1000,
    )
    report = janitor.clean()
    log.info("%s", report)
    if not report.finished:
        log.warning("the time was out: the next round goes on from here")
    if report.scratch_bytes is not None:
        # its network leads to the file system and to DynamoDB, not to CloudWatch: its log needs no network
        scratch = Measured(name=SCRATCH_BYTES, unit="Bytes", values=(report.scratch_bytes,))
        for line in metric_lines(
            [scratch],
            namespace=settings.cloudwatch_namespace,
            fleet=settings.worker_asg_name,
            at=_now(),
            beside=asdict(report),
        ):
            print(line, flush=True)  # as it is: a logger would put its own words before it
    return asdict(report)
