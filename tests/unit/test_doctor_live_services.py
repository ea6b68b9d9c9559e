"""The live examination of S3, SQS, DynamoDB, Lambda and CloudWatch that are not as they are taken to be."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from farm.doctor.live.checks import functions, plain_http, queues, records
from farm.doctor.live.verdict import Ruling, judge
from tests.support.jobs import a_job
from tests.support.live_runs import Clients, a_run, assert_seen, giving, raising, refusal


def test_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question without TLS is answered, refused by the policy, or fails in another way."""
    for plain, ruling in (
        (giving(), Ruling.NOT_SO),
        (raising(refusal("AccessDenied")), Ruling.OK),
        (raising(refusal("InternalError")), Ruling.NOT_TRIED),
    ):
        asked: list[str] = []

        def other(clients: Clients, *, endpoint: str, plain: Any = plain, asked: Any = asked) -> Clients:
            asked.append(endpoint)
            return Clients(s3=SimpleNamespace(list_objects_v2=plain))

        monkeypatch.setattr(plain_http, "replace", other)
        meta = SimpleNamespace(endpoint_url="https://s3.eu-central-1.amazonaws.com")
        run = a_run(s3=SimpleNamespace(meta=meta, list_objects_v2=giving()))
        verdict = judge("s3-refuses-plain-http", lambda run=run: plain_http.s3_refuses(run))  # type: ignore[misc]
        assert (verdict.ruling, asked) == (ruling, ["http://s3.eu-central-1.amazonaws.com"])


def test_a_message_that_is_kept_is_found() -> None:
    sqs = SimpleNamespace(
        create_queue=giving(QueueUrl="url"), send_message=giving(), change_message_visibility=giving()
    )
    message = {"ReceiptHandle": "r", "Attributes": {"ApproximateReceiveCount": "1"}}
    for answers, words in (
        ([{}], "did not come"),
        ([{"Messages": [message]}, {"Messages": [message]}], "handed out again"),
        ([{"Messages": [message]}, {}, {}], "given back did not come"),
    ):
        sqs.receive_message = mock.Mock(side_effect=answers)
        assert_seen(queues.given_back_at_once(a_run(sqs=sqs)), Ruling.NOT_SO, words)


def test_counts_that_stay_behind() -> None:
    counts = SimpleNamespace(
        create_queue=giving(QueueUrl="url"),
        send_message_batch=giving(),
        get_queue_attributes=giving(Attributes={"ApproximateNumberOfMessages": "3"}),
    )
    assert_seen(queues.counts_lag(a_run(sqs=counts)), Ruling.NOT_SO, "3 of 10 messages")


def met(code: str) -> ClientError:
    return refusal("TransactionCanceledException", CancellationReasons=[{"Code": code}])


@pytest.mark.parametrize(
    ("every_tenth", "counted", "ruling", "words"),
    [
        (met("TransactionConflict"), 180, Ruling.OK, "20 of 200"),
        (met("TransactionConflict"), 200, Ruling.NOT_SO, "180 transactions were done"),
        (met("ThrottlingError"), 180, Ruling.NOT_SO, "ThrottlingError"),
        (refusal("InternalServerError"), 180, Ruling.NOT_SO, "InternalServerError"),
        (None, 200, Ruling.NOT_TRIED, "none of 200"),
    ],
)
def test_transactions_that_meet(
    every_tenth: ClientError | None, counted: int, ruling: Ruling, words: str
) -> None:
    calls = itertools.count()

    def write(**_: object) -> None:
        if next(calls) % 10 == 0 and every_tenth:
            raise every_tenth

    client = SimpleNamespace(transact_write_items=write, get_item=giving(Item={"writes": counted}))
    dynamodb = SimpleNamespace(meta=SimpleNamespace(client=client))
    assert_seen(records.transaction_conflict(a_run(dynamodb=dynamodb)), ruling, words)


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"FunctionError": "Unhandled"}, "the function failed"), ({}, "without this job")],
)
def test_a_dashboard_that_does_not_show_the_job(answer: Mapping[str, str], words: str) -> None:
    lambdas = SimpleNamespace(invoke=lambda **_: {**answer, "Payload": io.BytesIO(b'"<p>another</p>"')})
    assert_seen(functions.widget(a_run(job=a_job(), functions=lambdas)), Ruling.NOT_SO, words)


def test_measures_that_do_not_arrive() -> None:
    run = a_run(metrics=SimpleNamespace(get_metric_statistics=giving(Datapoints=[])))
    run.__dict__["backlog"] = SimpleNamespace(cloudwatch_namespace="Farm", worker_asg_name="Workers")
    assert_seen(functions.measures_arrive(run), Ruling.NOT_SO, "in the last 3 minutes")


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([{"logGroupName": "log"}], "log is kept for ever"),
        (
            [
                {"logGroupName": "log", "retentionInDays": 30},
                {"logGroupName": "/aws/lambda/SweepFunctionName"},
            ],
            "/aws/lambda/SweepFunctionName is there as well",
        ),
    ],
)
def test_logs_that_nobody_forgets(groups: list[dict[str, Any]], words: str) -> None:
    run = a_run(
        functions=SimpleNamespace(get_function_configuration=giving(LoggingConfig={"LogGroup": "log"})),
        logs=SimpleNamespace(
            describe_log_groups=lambda logGroupNamePrefix: {  # noqa: N803  # as AWS has it
                "logGroups": [each for each in groups if each["logGroupName"].startswith(logGroupNamePrefix)]
            }
        ),
    )
    assert_seen(functions.logs_kept(run), Ruling.NOT_SO, words)
