"""What the agent's clients of AWS compute for a request is taken from the frame that renders meanwhile."""

import sys
from types import FrameType
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config

from worker_agent.services.clients import ONE_TRY, USER_AGENT, Clients

MOST_OF_PLAIN = 0.8
"""Of the functions that a client of boto3's own calls: the check of parameters and the name make a third."""


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("ACCESS_KEY_ID", "key"),
        ("SECRET_ACCESS_KEY", "secret"),
        ("DEFAULT_REGION", "eu-x-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)


class Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]


HEADERS: Any = HeadersDict({"content-type": "application/x-amz-json-1.0"})


def answered(client: Any, seen: list[AWSPreparedRequest], body: bytes = b"{}") -> Any:
    """The client, its requests answered before they are sent."""

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        seen.append(request)
        return AWSResponse(request.url, 200, HEADERS, Body(body))

    client.meta.events.register("before-send", answer)
    return client


def functions_called(client: Any) -> int:
    """By one read of an item, after a first one has filled what is kept."""
    called = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal called
        called += event == "call"

    for profile in (None, count):
        sys.setprofile(profile)
        try:
            client.get_item(TableName="jobs", Key={"pk": "job", "sk": "frame"}, ConsistentRead=True)
        finally:
            sys.setprofile(None)
    return called


def of_dynamodb(config: Config | None) -> Any:
    return boto3.resource("dynamodb", config=config).meta.client


def test_a_request_computes_less_than_with_a_client_as_it_comes() -> None:
    plain, ours = (functions_called(answered(of_dynamodb(config), [])) for config in (None, ONE_TRY))
    assert 100 < ours < MOST_OF_PLAIN * plain


def test_what_a_service_checks_is_not_checked_before() -> None:
    seen: list[AWSPreparedRequest] = []
    answered(of_dynamodb(ONE_TRY), seen).get_item(ConsistentRead="yes")
    assert len(seen) == 1


def test_each_request_says_whose_it_is() -> None:
    clients, seen = Clients.connect(), list[AWSPreparedRequest]()
    answered(clients.one_try_dynamodb, seen).list_tables()
    answered(clients.quick_sqs, seen).list_queues()
    answered(clients.quick_s3, seen, body=b"").head_bucket(Bucket="frames")
    names: list[Any] = [request.headers["User-Agent"] for request in seen]
    assert [str(name, "ascii").split()[0] for name in names] == [USER_AGENT] * 3
