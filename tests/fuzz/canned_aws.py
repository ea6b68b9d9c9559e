"""Clients of AWS that check and write their requests as ever, and are answered without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

REGION: Final = "eu-central-1"


class _Body:
    """An answer's body, as the connection would give it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, amount: int = 0, decode_content: bool = False) -> list[bytes]:
        content, self._content = self._content, b""
        return [content] if content else []


Answer = Callable[[AWSPreparedRequest], tuple[Mapping[str, str], bytes]]
"""Headers and body for a request."""


def client(service: str, answer: Answer) -> Any:
    """A client of a service, or for dynamodb a resource's client, all of whose calls are answered so."""
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name=REGION)
    made: Any = (
        session.resource("dynamodb").meta.client if service == "dynamodb" else session.client(service)  # type: ignore[call-overload]  # any service
    )

    def respond(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        headers, body = answer(request)
        told = HTTPHeaders()
        for name, value in headers.items():
            told[_on_the_wire(name)] = _on_the_wire(value)
        return AWSResponse(request.url, 200, told, _Body(body))

    made.meta.events.register("before-send", respond)
    return made


def _on_the_wire(text: str) -> str:
    """A header as http.client reads it: a letter for each byte, and all on one line."""
    return " ".join(text.encode("utf-8", "surrogatepass").decode("latin-1").splitlines())


def empty(request: AWSPreparedRequest) -> tuple[Mapping[str, str], bytes]:
    """To what wants no answer."""
    return {}, json.dumps({}).encode()
