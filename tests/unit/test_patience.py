"""Services that fail for a while, and a task that waits for them."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError

from tests.support.aws_edges import AwsEdges, aws_edges
from worker_agent.services.patience import LONGEST_SECONDS, held, impatient, patient, patiently
from worker_agent.services.transient import is_conflict, is_transient
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError
from worker_agent.tasks.task_queue import Message, TaskQueue


def refused(code: str, status: int = 400, *reasons: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if reasons:
        answer["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(answer, "Call")


def upload_refused(error: Exception) -> Exception:
    """As boto3's upload_file fails."""
    try:
        try:
            raise error
        except ClientError as cause:
            raise S3UploadFailedError(f"failed: {cause}")  # noqa: B904  # as boto3 does
    except S3UploadFailedError as failed:
        return failed


AWAY = EndpointConnectionError(endpoint_url="http://s3")


@pytest.mark.parametrize(
    "error",
    [
        AWAY,
        ReadTimeoutError(endpoint_url="http://s3"),
        RetriesExceededError(cast(Any, AWAY)),
        refused("InternalError", 500),
        refused("ServiceUnavailable", 503),
        refused("SlowDown", 503),
        refused("Anything", 429),
        refused("ThrottlingException"),
        refused("ProvisionedThroughputExceededException"),
        refused("RequestTimeTooSkewed", 403),
        refused("TransactionConflictException"),
        refused("TransactionCanceledException", 400, "None", "TransactionConflict"),
        refused("TransactionCanceledException", 400, "ThrottlingError", "None"),
        refused("TransactionCanceledException", 400, "TransactionConflict", "ThrottlingError"),
        upload_refused(refused("InternalError", 500)),
    ],
)
def test_trouble_that_passes_is_known(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        refused("AccessDenied", 403),
        refused("NoSuchKey", 404),
        refused("404", 404),
        refused("ValidationException"),
        refused("ConditionalCheckFailedException"),
        refused("TransactionCanceledException", 400, "ConditionalCheckFailed", "TransactionConflict"),
        refused("TransactionCanceledException", 400, "ValidationError", "None"),
        upload_refused(refused("AccessDenied", 403)),
        ParamValidationError(report="a bug"),
        OSError(28, "No space left on device"),
        ValueError("a bug"),
    ],
)
def test_a_wrong_request_is_not_repeated(error: Exception) -> None:
    assert not is_transient(error)


def test_a_meeting_of_transactions_is_no_throttling() -> None:
    assert is_conflict(refused("TransactionCanceledException", 400, "None", "TransactionConflict"))
    assert not is_conflict(refused("TransactionCanceledException", 400, "ThrottlingError"))
    assert not is_conflict(
        refused("TransactionCanceledException", 400, "ConditionalCheckFailed", "TransactionConflict")
    )


@dataclass
class Time:
    """Passes only when somebody waits. The lease is held until it is let go."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    give_up_at: float = 1e9

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def give_up(self) -> bool:
        return self.seconds >= self.give_up_at


@pytest.fixture
def time_passing() -> Time:
    return Time()


def a_lease(now: Callable[[], float] = lambda: 0.0) -> Lease:
    """Of a queue that is never called."""
    return Lease(TaskQueue(cast(Any, None), ""), Message("m", "r", ""), 120, lambda: None, now)


@pytest.fixture
def lease() -> Lease:
    return a_lease()


@dataclass
class Service:
    """Fails so many times, or until a time, and notes when it is called."""

    clock: Time
    times: int = 0
    until: float = 0.0
    error: Exception = AWAY
    calls: list[float] = field(default_factory=list)

    def __call__(self) -> str:
        self.calls.append(self.clock.seconds)
        if len(self.calls) <= self.times or self.clock.seconds < self.until:
            raise self.error
        return "done"


def test_a_service_that_is_away_for_minutes_is_waited_for(time_passing: Time, lease: Lease) -> None:
    service = Service(time_passing, until=600)
    with held(lease, time_passing.give_up, time_passing.sleep):
        assert patiently(service, "a call") == "done"
    assert 600 <= time_passing.seconds <= 600 + LONGEST_SECONDS


def test_one_who_waits_does_not_spin(time_passing: Time, lease: Lease) -> None:
    """An hour's outage: ever longer waits, each another, two calls a minute on the whole."""
    service = Service(time_passing, until=3600)
    with held(lease, time_passing.give_up, time_passing.sleep):
        patiently(service, "a call")
    waits = [later - sooner for sooner, later in zip(service.calls, service.calls[1:], strict=False)]
    assert 60 <= len(service.calls) <= 240
    assert max(waits[:3]) <= 2 and max(waits) <= LONGEST_SECONDS + 1
    assert len(set(waits[8:])) > len(waits[8:]) / 2, "with jitter"
    assert sum(waits[8:]) / len(waits[8:]) > 20


def test_an_error_that_is_no_trouble_of_the_service_is_raised_at_once(
    time_passing: Time, lease: Lease
) -> None:
    service = Service(time_passing, times=9, error=refused("AccessDenied", 403))
    with held(lease, time_passing.give_up, time_passing.sleep), pytest.raises(ClientError):
        patiently(service, "a call")
    assert service.calls == [0.0]


def test_a_worker_that_must_go_waits_no_longer(time_passing: Time, lease: Lease) -> None:
    time_passing.give_up_at = 90
    service = Service(time_passing, until=600)
    with (
        held(lease, time_passing.give_up, time_passing.sleep),
        pytest.raises(InterruptedTaskError, match="a call failed"),
    ):
        patiently(service, "a call")
    assert 90 <= time_passing.seconds < 91


def test_a_worker_that_must_go_still_makes_calls_that_succeed(time_passing: Time, lease: Lease) -> None:
    time_passing.give_up_at = 0
    with held(lease, time_passing.give_up, time_passing.sleep):
        assert patiently(Service(time_passing), "a call") == "done"


def test_a_task_whose_lease_is_lost_is_not_touched(time_passing: Time, lease: Lease) -> None:
    service = Service(time_passing)
    lease._lost.set()
    with held(lease, time_passing.give_up, time_passing.sleep), pytest.raises(InterruptedTaskError):
        patiently(service, "a call")
    assert service.calls == []


def test_a_lease_that_is_lost_while_one_waits_ends_the_wait(time_passing: Time) -> None:
    lease = a_lease(lambda: time_passing.seconds)
    service = Service(time_passing, until=600)
    with held(lease, time_passing.give_up, time_passing.sleep), pytest.raises(InterruptedTaskError):
        patiently(service, "a call")
    assert 120 <= time_passing.seconds < 121
    assert service.calls[-1] < 120


def test_without_a_task_nobody_waits(time_passing: Time, lease: Lease) -> None:
    service = Service(time_passing, times=1)
    with pytest.raises(EndpointConnectionError):
        patiently(service, "a call")
    with (
        held(lease, time_passing.give_up, time_passing.sleep),
        impatient(),
        pytest.raises(EndpointConnectionError),
    ):
        patiently(Service(time_passing, times=1), "a call")
    assert time_passing.seconds == 0


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


def test_every_call_of_a_patient_client_is_patient(
    aws: AwsEdges, tmp_path: Path, time_passing: Time, lease: Lease, caplog: pytest.LogCaptureFixture
) -> None:
    s3 = patient(aws.s3)
    failures = [refused("InternalError", 500)] * 3

    def fail(**_: Any) -> None:
        if failures:
            raise failures.pop()

    aws.s3.meta.events.register("before-send.s3.PutObject", fail)
    picture = tmp_path / "0001.png"
    picture.write_bytes(b"picture")
    with held(lease, time_passing.give_up, time_passing.sleep), caplog.at_level(logging.WARNING):
        s3.upload_file(str(picture), aws.render_bucket_name, "0001.png")
        s3.put_object(Bucket=aws.render_bucket_name, Key="log", Body=b"text")
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=aws.render_bucket_name, Key="none")
        listed = s3.get_paginator("list_objects_v2").paginate(Bucket=aws.render_bucket_name)
        assert [item["Key"] for page in listed for item in page["Contents"]] == ["0001.png", "log"]
    assert "s3 upload_file failed, again in" in caplog.text


def test_a_transaction_that_met_another_is_left_to_its_caller(
    aws: AwsEdges, time_passing: Time, lease: Lease
) -> None:
    calls = []

    class Dynamodb:
        meta = aws.dynamodb.meta

        def transact_write_items(self, **_: Any) -> None:
            calls.append(time_passing.seconds)
            raise refused("TransactionCanceledException", 400, "TransactionConflict")

    dynamodb = patient(Dynamodb())
    with held(lease, time_passing.give_up, time_passing.sleep), pytest.raises(ClientError):
        dynamodb.transact_write_items(TransactItems=[])
    assert calls == [0.0]
