"""Does what a button on the dashboard asks for: who may not call this function may still look at the jobs."""

from __future__ import annotations

import html
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import boto3

from contract.job import timestamp
from contract.job_requests import JobRequests
from contract.settings import JobActionSettings
from functions.act_on_job.action import Outcome, do_press, read_press

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)

DOCUMENTATION: Final = """\
## Buttons of the render farm's jobs
Cancels, retries or releases a job. The jobs widget calls it; it shows nothing by itself.

### Widget parameters
Param | Description
---|---
**action** | `cancel`, `retry` or `release`
**job_id** | The job's id
"""


@cache
def _requests() -> JobRequests:
    settings = JobActionSettings.from_env(os.environ)
    return JobRequests(
        dynamodb=boto3.resource("dynamodb").meta.client,
        sqs=boto3.client("sqs"),
        table_name=settings.job_table_name,
        bake_queue_url=settings.bake_queue_url,
    )


def handle(event: Mapping[str, Any], context: object) -> str:
    """Lambda entry. Answers with HTML that says what was done, or why not."""
    if "describe" in event:
        return DOCUMENTATION
    press = read_press(event)
    if isinstance(press, Outcome):
        outcome = press
    else:
        outcome = do_press(press, _requests(), now=timestamp(datetime.now(UTC)))
    log.info("%s: %s", press, outcome)
    return _html(outcome)


def _html(outcome: Outcome) -> str:
    heading = "Done" if outcome.done else "Not done"
    said = html.escape("".join(c if c.isprintable() else " " for c in outcome.said))
    return f"<div><h3>{heading}</h3><p>{said}</p></div>"
