"""Reads the dead-letter queue: what workers died of is tried again, or ends on its job's record."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

import boto3

from contract.routes import Route
from contract.settings import DeadLetterSettings
from contract.tasks import TaskError, decode
from functions.settle_dead_letters.records import JobRecords
from functions.settle_dead_letters.settlement import Settlement

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)


class NothingSettledError(RuntimeError):
    """Every message comes again; the log says what is wrong."""


@cache
def _settlement() -> Settlement:
    settings = DeadLetterSettings.from_env(os.environ)
    return Settlement(
        records=JobRecords(boto3.resource("dynamodb").meta.client, settings.job_table_name),
        sqs=boto3.client("sqs"),
        queue_urls={
            Route.URGENT: settings.urgent_queue_url,
            Route.BAKE: settings.bake_queue_url,
            Route.RENDER: settings.render_queue_url,
        },
    )


def handle(event: dict[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Lambda entry for SQS batches. Names the messages that must come again; the others are done with.

    Raises NothingSettledError when that is all of them: a batch that is answered is no error of the
    function's, whatever the answer, and one that stays on the queue has no age that an alarm could see
    (SQS leaves out what was received three times).
    """
    failed = []
    for record in event.get("Records", []):
        try:
            task = decode(record["body"])
        except TaskError as error:
            log.error("dropped message %s: %s: %.500r", record["messageId"], error, record["body"])
            continue
        try:
            log.error("%s was given up: %s", task, _settlement().settle(task, record["messageId"]))
        except Exception:  # whatever it is, it shall not make the other messages' work repeat
            log.exception("%s could not be settled: it comes again", task)
            failed.append({"itemIdentifier": record["messageId"]})
    if failed and len(failed) == len(event["Records"]):
        raise NothingSettledError(f"none of {len(failed)} dead letters could be settled: they come again")
    return {"batchItemFailures": failed}
