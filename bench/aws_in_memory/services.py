"""Answers requests of botocore's clients before they are sent, and counts them."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Protocol

import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from bench.aws_in_memory.bucket import Bucket
from bench.aws_in_memory.errors import RefusedError
from bench.aws_in_memory.latencies import Latencies
from bench.aws_in_memory.occasions import occasion
from bench.aws_in_memory.queues import Queues
from bench.aws_in_memory.table import Table

_EVENT_BYTES: Final = 26
"""That CloudWatch adds to each line (PutLogEvents)."""
_JSON: Final = {"Content-Type": "application/x-amz-json-1.0"}
_NO_GROUPS: Final = (
    b"<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups/>"
    b"</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
)
"""A worker takes a group that is gone for one that wants no machines, and stays as it is."""


class Request(Protocol):
    """What is looked at of one."""

    @property
    def method(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def body(self) -> Any: ...


class Services:
    """`table`, `queues` and `bucket` hold what there is."""

    def __init__(
        self, latencies: Latencies | None = None, *, seed: int = 1, share_on_short_polls: bool = False
    ) -> None:
        self._latencies = latencies or Latencies()
        self._lock = threading.Lock()
        self.table = Table(self._latencies, random.Random(seed))
        self.queues = Queues(random.Random(seed) if share_on_short_polls else None)
        self.bucket = Bucket()
        self.calls: Counter[tuple[str, str]] = Counter()
        """Requests by their occasion (occasions.py) and their service and operation, each try of its own."""
        self.log_bytes = 0
        """Of the lines that were written, as they are paid for."""

    def answer_all_of(self, session: botocore.session.Session) -> None:
        """Of all clients that this session makes from now on."""
        session.register("before-send", self._respond)  # type: ignore[arg-type]  # of its handlers one answers

    def _respond(self, request: AWSPreparedRequest, event_name: str, **more: object) -> AWSResponse:
        _, service, operation = event_name.split(".")
        with self._lock:
            self.calls[occasion(service), f"{service}.{operation}"] += 1
        status, headers, body = self.answer(service, operation, request)
        told = HTTPHeaders()
        for name, value in headers.items():
            told.add_header(name, value)
        return AWSResponse(request.url, status, told, _Body(body))

    def answer(self, service: str, operation: str, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body."""
        if service == "s3":
            time.sleep(self._latencies.bucket)
            return self.bucket.answer(request.method, request.url)
        if service == "auto-scaling" and operation == "DescribeAutoScalingGroups":
            return 200, {"Content-Type": "text/xml"}, _NO_GROUPS
        if service == "cloudwatch-logs" and operation == "PutLogEvents":  # as if each stream were there
            time.sleep(self._latencies.other)
            events = json.loads(_content(request.body))["logEvents"]
            with self._lock:
                self.log_bytes += sum(len(event["message"].encode()) + _EVENT_BYTES for event in events)
            return 200, _JSON, b"{}"
        of: Any = {"dynamodb": self.table, "sqs": self.queues}.get(service)
        method = getattr(of, xform_name(operation), None)
        if method is None:
            raise NotImplementedError(f"nothing stands in for {service}.{operation}")
        if operation != "TransactWriteItems":  # takes its own time
            time.sleep(self._latencies.table if of is self.table else self._latencies.queue)
        try:
            return 200, _JSON, json.dumps(method(json.loads(_content(request.body)))).encode()
        except RefusedError as error:
            told = {"__type": error.code, "message": str(error), "Message": str(error), **error.more}
            return 400, _JSON, json.dumps(told).encode()


class _Body:
    """An answer's body, as the connection would give it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, amount: int | None = None, **_: object) -> bytes:
        taken = self._content[:amount]
        self._content = self._content[len(taken) :]
        return taken

    def stream(self, amount: int = 0, decode_content: bool = False) -> list[bytes]:
        content, self._content = self._content, b""
        return [content] if content else []

    def close(self) -> None:
        """There is no connection."""

    def release_conn(self) -> None:
        """There is no connection."""


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    content = body.read() if hasattr(body, "read") else body
    return content.encode() if isinstance(content, str) else bytes(content)
