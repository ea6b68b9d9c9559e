"""Reads the dead-letter queue: what could not be done ends on its job's record."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

import boto3

from contract.settings import DeadLetterSettings
from contract.tasks import TaskError, decode
from functions.fail_dead_letters.failure import fail_job

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)


@cache
def _dynamodb() -> Any:
    return boto3.resource("dynamodb").meta.client


def handle(event: dict[str, Any], context: object) -> None:
    """Lambda entry for SQS batches: fails the job of each task that ran out of deliveries."""
    table_name = DeadLetterSettings.from_env(os.environ).job_table_name
    for record in event.get("Records", []):
        try:
            task = decode(record["body"])
        except TaskError as error:
            log.error("dropped message %s: %s: %.500r", record.get("messageId"), error, record["body"])
            continue
        log.error("%s was given up: %s", task, fail_job(_dynamodb(), table_name, task))
