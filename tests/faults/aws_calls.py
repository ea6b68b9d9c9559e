"""Which operation of which service a request is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.faults.http_wire import HttpMessage

_S3_OBJECT = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
_S3_MARKS = (
    ("POST", "uploads", "CreateMultipartUpload"),
    ("POST", "uploadId", "CompleteMultipartUpload"),
    ("PUT", "uploadId", "UploadPart"),
    ("DELETE", "uploadId", "AbortMultipartUpload"),
    ("POST", "delete", "DeleteObjects"),
    ("GET", "versions", "ListObjectVersions"),
    ("GET", "list-type", "ListObjectsV2"),
)


@dataclass(frozen=True, slots=True)
class AwsCall:
    """`service` is the name that the request is signed for: `sqs`, `dynamodb`, `s3`, `monitoring`, …"""

    service: str
    operation: str
    request: HttpMessage

    @property
    def name(self) -> str:
        return f"{self.service}.{self.operation}"

    def parameters(self) -> dict[str, Any]:
        """Of the JSON services."""
        found: dict[str, Any] = json.loads(self.request.body)
        return found


def call_of(request: HttpMessage) -> AwsCall | None:
    """None for what is no AWS request: the emulator's own paths, what is not signed."""
    service = _service(request)
    return AwsCall(service, _operation(request, service), request) if service else None


def _service(request: HttpMessage) -> str:
    """From the scope of the signature: key/date/region/service/aws4_request."""
    scope = request.header("authorization").partition("Credential=")[2].partition(",")[0]
    parts = scope.split("/")
    return parts[-2] if len(parts) >= 5 else ""


def _operation(request: HttpMessage, service: str) -> str:
    target = request.header("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    url = urlsplit(request.target)
    if service == "s3":
        return _s3_operation(request.method, url.path, parse_qs(url.query, keep_blank_values=True))
    if "/operation/" in url.path:
        return url.path.rpartition("/")[2]
    action = parse_qs(request.body.decode("latin-1")).get("Action") if service != "lambda" else None
    if action:
        return action[0]
    return "Invoke" if url.path.endswith("/invocations") else f"{request.method} {url.path}"


def _s3_operation(method: str, path: str, query: dict[str, list[str]]) -> str:
    for of_method, mark, operation in _S3_MARKS:
        if method == of_method and mark in query:
            return operation
    _, _, key = path.lstrip("/").partition("/")
    return _S3_OBJECT.get(method, f"{method} object") if key else f"{method} bucket"
