"""Hears of uploads: makes each one a job record and one bake task."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from contract.scaling import UPLOADED_EVENT
from contract.settings import ListenerSettings
from functions.accept_upload.intake import Intake
from functions.accept_upload.notification import read_notification

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)


@cache
def _intake() -> Intake:
    settings = ListenerSettings.from_env(os.environ)
    return Intake(
        table_name=settings.job_table_name,
        queue_url=settings.bake_queue_url,
        dynamodb=boto3.resource("dynamodb").meta.client,
        s3=boto3.client("s3"),
        sqs=boto3.client("sqs"),
        now=lambda: datetime.now(UTC),
        when_queued=partial(_have_measured, boto3.client("lambda"), settings.backlog_function_name),
        monthly_budget_dollars=settings.monthly_budget_dollars,
    )


def _have_measured(functions: LambdaClient, name: str) -> None:
    """Have the backlog measured at once. A farm that is not told measures within the minute."""
    try:
        functions.invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps({UPLOADED_EVENT: True})
        )
    except (BotoCoreError, ClientError) as error:
        log.warning("%s was not told of the upload: %s", name, error)


def handle(event: dict[str, Any], context: object) -> None:
    """Lambda entry. What is raised is tried again by Lambda, then kept by the on-failure destination."""
    for uploaded in read_notification(event):
        log.info("%s: %s", uploaded, _intake().accept(uploaded))
