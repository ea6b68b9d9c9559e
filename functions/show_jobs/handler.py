"""Draws the farm's jobs for the dashboard: the Lambda behind a CloudWatch custom widget. It only reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config

from contract.record_reader import RecordReader
from contract.settings import JobsWidgetSettings
from functions.show_jobs.page import render
from functions.show_jobs.records import THREADS, JobBoard
from functions.show_jobs.request import DOCUMENTATION, Request
from functions.show_jobs.thumbnails import Thumbnails

_CLIENTS: Final = Config(
    connect_timeout=3,
    read_timeout=5,
    retries={"mode": "standard", "max_attempts": 2},
    max_pool_connections=THREADS,
)


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def _settings() -> JobsWidgetSettings:
    return JobsWidgetSettings.from_env(os.environ)


@cache
def _board() -> JobBoard:
    settings = _settings()
    dynamodb = boto3.resource("dynamodb", config=_CLIENTS).meta.client
    return JobBoard(
        reader=RecordReader(dynamodb, settings.job_table_name),
        thumbnails=Thumbnails(boto3.client("s3", config=_CLIENTS), settings.render_bucket_name),
        now=_now,
    )


def handle(event: Mapping[str, Any], context: object) -> str:
    """Lambda entry. The console asks for the documentation with `describe`, else for HTML."""
    if "describe" in event:
        return DOCUMENTATION
    request = Request.of(event)
    return render(
        _board().read(request.jobs),
        request,
        function_arn=_settings().job_action_function_arn,
        now=_now(),
        budget_dollars=_settings().monthly_budget_dollars,
    )
