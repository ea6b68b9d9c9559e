"""The Lambda behind the dashboard's buttons, under moto."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from contract.job import Job, JobState
from contract.settings import JobActionSettings
from contract.table import job_key
from contract.tasks import BakeTask, decode
from functions.act_on_job import handler
from functions.act_on_job.action import Outcome, read_press
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job, unfinished_jobs
from tests.support.read_html import read_html


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as aws:
        settings = JobActionSettings(job_table_name=aws.job_table_name, bake_queue_url=aws.bake_queue_url)
        handler._requests.cache_clear()
        with mock.patch.dict(os.environ, settings.to_env()):
            yield aws
        handler._requests.cache_clear()


def put(aws: AwsEdges, state: JobState, **attributes: Any) -> None:
    job = a_job("j", state=state, bake_token="t", **attributes)
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**job_key("j"), **job.to_item()})


def read(aws: AwsEdges) -> Job:
    return Job.from_item(aws.dynamodb.get_item(TableName=aws.job_table_name, Key=job_key("j"))["Item"])


def press(action: object, job_id: object = "j") -> tuple[str, str]:
    """The answer's heading and words."""
    page = read_html(handler.handle({"action": action, "job_id": job_id, "widgetContext": {}}, None))
    assert {element.name for element in page.all()} == {"div", "h3", "p"}
    return page.one("h3").text, page.one("p").text


def sent(aws: AwsEdges) -> list[object]:
    found = aws.sqs.receive_message(QueueUrl=aws.bake_queue_url, MaxNumberOfMessages=10).get("Messages", [])
    return [decode(message["Body"]) for message in found]


def test_cancel(aws: AwsEdges) -> None:
    put(aws, JobState.RENDERING, name="shot.blend")
    heading, said = press("cancel")
    assert (heading, said.startswith("shot.blend is canceled")) == ("Done", True)
    assert read(aws).state is JobState.CANCELED
    assert (sent(aws), unfinished_jobs(aws)) == ([], [])


@pytest.mark.parametrize(("action", "state"), [("retry", JobState.CANCELED), ("release", JobState.HELD)])
def test_retry_and_release_queue_the_job_and_send_its_task(
    aws: AwsEdges, action: str, state: JobState
) -> None:
    put(aws, state)
    heading, said = press(action)
    assert (heading, "is queued" in said) == ("Done", True)
    assert read(aws).state is JobState.QUEUED
    assert sent(aws) == [BakeTask("j")]


REFUSED = [
    ("cancel", JobState.DONE, "cannot be canceled: it has ended already: DONE"),
    ("cancel", JobState.FINISHING, "every frame of it has ended"),
    ("retry", JobState.RENDERING, "cannot be retried: it has not ended: it is RENDERING"),
    ("release", JobState.QUEUED, "cannot be released: no budget holds it"),
]


@pytest.mark.parametrize(("action", "state", "why"), REFUSED)
def test_what_cannot_be_done_says_why(aws: AwsEdges, action: str, state: JobState, why: str) -> None:
    put(aws, state)
    before = read(aws)
    heading, said = press(action)
    assert (heading, why in said) == ("Not done", True), said
    assert read(aws) == before
    assert sent(aws) == []


def test_a_job_that_is_not_there(aws: AwsEdges) -> None:
    assert press("cancel", "nosuch") == ("Not done", "nosuch cannot be canceled: there is no such job")


def test_a_strangers_name_is_text(aws: AwsEdges) -> None:
    put(aws, JobState.RENDERING, name="<img src=x onerror=alert(1)>\n")
    _, said = press("cancel")
    assert said.startswith("<img src=x onerror=alert(1)> ")


ODD = [
    ("delete", "j", "action is 'delete': expected one of cancel, retry, release"),
    (None, "j", "action is None"),
    (["cancel"], "j", "action is ['cancel']"),
    ("cancel", "<b>", "job_id is '<b>': expected"),
    ("cancel", "a" * 500, "job_id is"),
    ("cancel", None, "job_id is None"),
    ("cancel", {"S": "j"}, "job_id is"),
]


@pytest.mark.parametrize(("action", "job_id", "why"), ODD)
def test_what_is_no_press_of_ours_reaches_no_table(action: object, job_id: object, why: str) -> None:
    outcome = read_press({"action": action, "job_id": job_id})
    assert isinstance(outcome, Outcome)
    assert not outcome.done
    assert why in outcome.said and len(outcome.said) < 200
    assert press(action, job_id)[0] == "Not done"


def test_the_console_asks_for_the_documentation() -> None:
    assert handler.handle({"describe": True}, None).startswith("## ")
