"""Each fault with real clients and a real emulator: what a client sees, and whether the effect took place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError
from urllib3.exceptions import ProtocolError

from tests.faults.proxy import FaultKind, FaultProxy, FaultRates
from tests.support.emulator import AwsClients, make_job_table

BROKEN = (BotoCoreError, ProtocolError)
KEY = {"pk": "JOB#1", "sk": "JOB"}


@pytest.fixture(scope="module")
def direct(emulator: str) -> AwsClients:
    """Past the proxy: what really is."""
    return AwsClients(emulator)


@pytest.fixture(scope="module")
def table(direct: AwsClients) -> str:
    return make_job_table(direct.table_client())


@pytest.fixture
def through(proxy: FaultProxy) -> AwsClients:
    """Clients that try once: they show each fault."""
    return AwsClients(proxy.endpoint)


@pytest.fixture
def no_waits() -> Iterator[None]:
    """Clients that try again do so at once."""
    with mock.patch("botocore.retries.standard.ExponentialBackoff.delay_amount", return_value=0.0):
        yield


@pytest.fixture
def queue(direct: AwsClients) -> str:
    return str(direct.client("sqs").create_queue(QueueName=f"q-{uuid4()}")["QueueUrl"])


@pytest.fixture
def bucket(direct: AwsClients) -> str:
    name = f"b-{uuid4()}"
    direct.client("s3").create_bucket(Bucket=name)
    return name


def only(kind: str) -> FaultRates:
    """Every request meets this fault."""
    rates: dict[str, Any] = {kind: 1.0}
    return FaultRates(**rates)


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def bodies(direct: AwsClients, queue: str) -> list[str]:
    """The messages that can be received now."""
    answer = direct.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def keys(direct: AwsClients, bucket: str) -> list[str]:
    listed = direct.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return [item["Key"] for item in listed]


def test_what_meets_no_fault_is_as_it_was(
    proxy: FaultProxy, through: AwsClients, queue: str, bucket: str, table: str
) -> None:
    sqs, s3, dynamodb = through.client("sqs"), through.client("s3"), through.table_client()
    sqs.send_message(QueueUrl=queue, MessageBody="one")
    received = sqs.receive_message(QueueUrl=queue)["Messages"][0]
    assert received["Body"] == "one"
    picture = bytes(range(256)) * 4096
    s3.put_object(Bucket=bucket, Key="a/größe 1.png", Body=picture)
    assert s3.get_object(Bucket=bucket, Key="a/größe 1.png")["Body"].read() == picture
    assert s3.head_object(Bucket=bucket, Key="a/größe 1.png")["ContentLength"] == len(picture)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    dynamodb.put_item(TableName=table, Item={**KEY, "state": "QUEUED"})
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["state"] == "QUEUED"
    through.client("cloudwatch").put_metric_data(
        Namespace="Farm", MetricData=[{"MetricName": "m", "Value": 1}]
    )
    assert through.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert through.client("lambda").list_functions()["Functions"] == []
    assert proxy.counts.requests == {
        **dict.fromkeys(("sqs.SendMessage", "sqs.ReceiveMessage"), 1),
        **dict.fromkeys(("s3.PutObject", "s3.GetObject", "s3.HeadObject", "s3.ListObjectsV2"), 1),
        **dict.fromkeys(("dynamodb.PutItem", "dynamodb.GetItem", "monitoring.PutMetricData"), 1),
        "autoscaling.DescribeAutoScalingGroups": 1,
        "lambda.GET /2015-03-31/functions": 1,
    }
    assert not proxy.counts.faults
    assert [(receipt.queue_url, receipt.handle) for receipt in proxy.receipts] == [
        (queue, received["ReceiptHandle"])
    ]


SERVICES: list[tuple[str, str, dict[str, Any], set[tuple[int, str]], set[tuple[int, str]]]] = [
    (
        "sqs",
        "list_queues",
        {},
        {(500, "InternalFailure"), (503, "ServiceUnavailable")},
        {(400, "ThrottlingException"), (403, "RequestThrottled")},
    ),
    (
        "dynamodb",
        "list_tables",
        {},
        {(500, "InternalServerError"), (503, "ServiceUnavailable")},
        {(400, "ProvisionedThroughputExceededException"), (400, "ThrottlingException")},
    ),
    (
        "s3",
        "list_objects_v2",
        {"Bucket": "any"},
        {(500, "InternalError"), (503, "ServiceUnavailable")},
        {(503, "SlowDown")},
    ),
    (
        "cloudwatch",
        "put_metric_data",
        {"Namespace": "Farm", "MetricData": [{"MetricName": "m"}]},
        {(500, "InternalServiceFault"), (503, "ServiceUnavailable")},
        {(400, "ThrottlingException")},
    ),
    (
        "autoscaling",
        "describe_auto_scaling_groups",
        {},
        {(500, "InternalFailure"), (503, "ServiceUnavailable")},
        {(400, "Throttling")},
    ),
    (
        "lambda",
        "invoke",
        {"FunctionName": "any"},
        {(500, "ServiceException"), (503, "ServiceUnavailable")},
        {(429, "TooManyRequestsException")},
    ),
]


@pytest.mark.parametrize(("service", "operation", "arguments", "errors", "throttles"), SERVICES)
def test_each_service_fails_in_its_own_words(
    proxy: FaultProxy,
    through: AwsClients,
    service: str,
    operation: str,
    arguments: dict[str, Any],
    errors: set[tuple[int, str]],
    throttles: set[tuple[int, str]],
) -> None:
    call = getattr(through.client(service), operation)
    for rates, expected in ((FaultRates(server_error=1), errors), (FaultRates(throttle=1), throttles)):
        proxy.rates = rates
        seen = set()
        for _ in range(16):
            with pytest.raises(ClientError) as error:
                call(**arguments)
            seen.add(code_of(error))
        assert seen == expected
    assert proxy.counts.faults == {FaultKind.SERVER_ERROR: 16, FaultKind.THROTTLE: 16}


def test_an_error_without_a_body_for_a_head(proxy: FaultProxy, through: AwsClients, bucket: str) -> None:
    proxy.rates = FaultRates(throttle=1)
    with pytest.raises(ClientError) as error:
        through.client("s3").head_object(Bucket=bucket, Key="k")
    assert code_of(error) == (503, "503")


@pytest.mark.usefixtures("no_waits")
def test_a_client_that_tries_again_gets_through(emulator: str, queue: str, direct: AwsClients) -> None:
    rates = FaultRates(server_error=0.1, throttle=0.1, drop_before=0.1)
    proxy = FaultProxy(emulator, rates=rates).start()
    try:
        sqs = AwsClients(proxy.endpoint, attempts=10).client("sqs")
        for number in range(10):
            sqs.send_message(QueueUrl=queue, MessageBody=str(number))
    finally:
        proxy.stop()
    assert proxy.counts.faults.total() > 0
    assert proxy.counts.requests["sqs.SendMessage"] == 10 + proxy.counts.faults.total()
    assert sorted(bodies(direct, queue)) == [str(number) for number in range(10)]


@pytest.mark.parametrize("kind", ["server_error", "throttle", "drop_before"])
def test_what_is_not_forwarded_has_no_effect(
    proxy: FaultProxy, through: AwsClients, direct: AwsClients, queue: str, bucket: str, kind: str
) -> None:
    proxy.rates = only(kind)
    with pytest.raises((ClientError, ConnectionClosedError)):
        through.client("sqs").send_message(QueueUrl=queue, MessageBody="never")
    with pytest.raises((ClientError, ConnectionClosedError)):
        through.client("s3").put_object(Bucket=bucket, Key="never", Body=b"x" * 100_000)
    assert (bodies(direct, queue), keys(direct, bucket)) == ([], [])


@pytest.mark.parametrize("kind", ["drop_after", "cut"])
def test_what_is_forwarded_has_its_effect_though_no_answer_comes(
    proxy: FaultProxy, through: AwsClients, direct: AwsClients, queue: str, bucket: str, table: str, kind: str
) -> None:
    proxy.rates = only(kind)
    with pytest.raises(BROKEN):
        through.client("sqs").send_message(QueueUrl=queue, MessageBody="sent")
    if kind == "drop_after":  # an upload's answer has no body to be cut
        with pytest.raises(ConnectionClosedError):
            through.client("s3").put_object(Bucket=bucket, Key="sent", Body=b"x")
        assert keys(direct, bucket) == ["sent"]
    with pytest.raises(BROKEN):
        through.table_client().update_item(
            TableName=table,
            Key={"pk": kind, "sk": "JOB"},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": 1},
            ReturnValues="ALL_NEW",
        )
    assert bodies(direct, queue) == ["sent"]
    item = direct.table_client().get_item(TableName=table, Key={"pk": kind, "sk": "JOB"})["Item"]
    assert item["n"] == 1
    assert proxy.counts.faults == {FaultKind(kind): 3 if kind == "drop_after" else 2}


def test_a_download_that_is_cut_is_noticed(
    proxy: FaultProxy, through: AwsClients, direct: AwsClients, bucket: str
) -> None:
    direct.client("s3").put_object(Bucket=bucket, Key="scene", Body=b"x" * 100_000)
    proxy.rates = FaultRates(cut=1)
    with pytest.raises(BROKEN):
        through.client("s3").get_object(Bucket=bucket, Key="scene")["Body"].read()


@pytest.mark.usefixtures("no_waits")
def test_a_transaction_told_again_after_a_lost_answer_counts_once(
    proxy: FaultProxy, direct: AwsClients, table: str
) -> None:
    """A client repeats its own token, so DynamoDB knows the transaction, though its condition fails now."""
    patient = AwsClients(proxy.endpoint, attempts=10).table_client()
    proxy.rates = FaultRates(drop_after=0.3)
    for number in range(8):
        patient.transact_write_items(TransactItems=_ended_frame(table, f"again-{number}"))
    assert proxy.counts.faults[FaultKind.DROP_AFTER] > 0
    counted = direct.table_client().get_item(TableName=table, Key={"pk": "again", "sk": "COUNTER"})["Item"]
    assert counted["done"] == 8


def _ended_frame(table: str, frame: str) -> list[dict[str, Any]]:
    record = {
        "TableName": table,
        "Item": {"pk": frame, "sk": "FRAME"},
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    count = {
        "TableName": table,
        "Key": {"pk": frame.partition("-")[0], "sk": "COUNTER"},
        "UpdateExpression": "ADD done :one",
        "ExpressionAttributeValues": {":one": 1},
    }
    return [{"Put": record}, {"Update": count}]


def test_a_transaction_meets_another_one(
    proxy: FaultProxy, through: AwsClients, direct: AwsClients, table: str
) -> None:
    proxy.rates = FaultRates(transaction_conflict=1)
    dynamodb = through.table_client()
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as error:
        dynamodb.transact_write_items(TransactItems=_ended_frame(table, "met-1"))
    reasons = [reason["Code"] for reason in error.value.response["CancellationReasons"]]
    assert sorted(reasons) == ["None", "TransactionConflict"]
    with pytest.raises(dynamodb.exceptions.TransactionConflictException):
        dynamodb.put_item(TableName=table, Item={"pk": "met-1", "sk": "FRAME"})
    real = direct.table_client()
    assert "Item" not in real.get_item(TableName=table, Key={"pk": "met-1", "sk": "FRAME"})
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"pk": "met", "sk": "COUNTER"})
    assert proxy.counts.faults == {FaultKind.TRANSACTION_CONFLICT: 2}


def test_a_message_is_delivered_twice(proxy: FaultProxy, through: AwsClients, queue: str) -> None:
    proxy.rates = FaultRates(duplicate_delivery=1)
    sqs = through.client("sqs")
    sqs.send_message(QueueUrl=queue, MessageBody="twice")
    first, second = (
        sqs.receive_message(QueueUrl=queue, VisibilityTimeout=60)["Messages"][0] for _ in range(2)
    )
    assert first["MessageId"] == second["MessageId"]
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    assert [receipt.handle for receipt in proxy.receipts] == [first["ReceiptHandle"], second["ReceiptHandle"]]
    assert proxy.counts.faults == {FaultKind.DUPLICATE_DELIVERY: 2}


def test_an_adversary_ends_a_lease_with_a_receipt_it_has_seen(
    proxy: FaultProxy, through: AwsClients, direct: AwsClients, queue: str
) -> None:
    sqs = through.client("sqs")
    sqs.send_message(QueueUrl=queue, MessageBody="held")
    sqs.receive_message(QueueUrl=queue, VisibilityTimeout=60)
    assert bodies(direct, queue) == []
    seen = proxy.receipts[-1]
    direct.client("sqs").change_message_visibility(
        QueueUrl=seen.queue_url, ReceiptHandle=seen.handle, VisibilityTimeout=0
    )
    assert bodies(direct, queue) == ["held"]


def test_a_slow_answer_is_right_and_late(proxy: FaultProxy, through: AwsClients) -> None:
    proxy.rates = FaultRates(slow=1, slow_seconds=(0.3, 0.4))
    begun = time.monotonic()
    through.client("sqs").list_queues()
    assert 0.3 <= time.monotonic() - begun < 2


@pytest.mark.parametrize("how", ["error", "throttle", "refuse"])
def test_a_service_goes_and_comes_back(proxy: FaultProxy, through: AwsClients, how: Any) -> None:
    sqs, dynamodb = through.client("sqs"), through.client("dynamodb")
    proxy.take_down("sqs", 0.5, how)
    dynamodb.list_tables()
    with pytest.raises((ClientError, ConnectionClosedError)):
        sqs.list_queues()
    time.sleep(0.5)
    sqs.list_queues()
    assert proxy.counts.while_down == {"sqs": 1}
    assert not proxy.counts.faults


def test_faults_can_be_paused(proxy: FaultProxy, through: AwsClients) -> None:
    proxy.rates = FaultRates(server_error=1)
    proxy.pause_faults()
    through.client("sqs").list_queues()
    proxy.resume_faults()
    with pytest.raises(ClientError):
        through.client("sqs").list_queues()


def test_the_same_seed_injects_the_same(emulator: str) -> None:
    def faults(seed: int) -> list[str]:
        proxy = FaultProxy(emulator, seed=seed, rates=FaultRates(server_error=0.3, throttle=0.3)).start()
        client, seen = AwsClients(proxy.endpoint).client("sqs"), []
        for _ in range(20):
            try:
                client.list_queues()
                seen.append("")
            except ClientError as error:
                seen.append(error.response["Error"]["Code"])
        proxy.stop()
        return seen

    assert faults(1) == faults(1)
    assert faults(1) != faults(2)
