"""Tells people when a job is done, has failed or is held: a message to the farm's topic for each change.

DynamoDB's stream brings each change of a record once and in order; the event source's filter lets through
the changes of a job's state alone, one at a time. A run that fails is repeated, so only one that fails after
the message is out sends it twice.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3

from contract.job import FrameState
from contract.record_reader import RecordReader
from contract.settings import NotifierSettings
from functions.notify_people.change import ChangeError, StateChange, read_change
from functions.notify_people.message import message_of

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)


@cache
def _settings() -> NotifierSettings:
    return NotifierSettings.from_env(os.environ)


@cache
def _records() -> RecordReader:
    return RecordReader(boto3.resource("dynamodb").meta.client, _settings().job_table_name)


@cache
def _sns() -> Any:
    return boto3.client("sns")


def handle(event: Mapping[str, Any], context: object) -> None:
    """Lambda entry for records of the table's stream. Raises what AWS raises: then the records come again."""
    for record in event.get("Records", []):
        try:
            change = read_change(record)
        except ChangeError as error:  # it would be the same each time, and hold up all that come after
            log.error("left out a record that is no change of a job: %s: %.1000r", error, record)
            continue
        if change.worth_telling:
            _tell(change)


def _tell(change: StateChange) -> None:
    settings, job = _settings(), change.job
    failed = _records().frames(job.job_id, range(job.shards), FrameState.FAILED) if job.frames_failed else ()
    message = message_of(job, failed, farm=settings.farm_name, dashboard_url=settings.dashboard_url)
    _sns().publish(
        TopicArn=settings.notification_topic_arn,
        Subject=message.subject,
        Message=message.text,
        MessageAttributes={"state": {"DataType": "String", "StringValue": str(job.state)}},
    )
    log.info("told of job %s: %s", job.job_id, message.subject)
