"""What AWS answers when it fails, in each service's own form."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.faults.aws_calls import AwsCall

_REASONS = {400: "Bad Request", 403: "Forbidden", 429: "Too Many Requests", 500: "Internal Server Error"}
_REASONS[503] = "Service Unavailable"
_SERVER_ERRORS = {
    "sqs": ((500, "InternalFailure"), (503, "ServiceUnavailable")),
    "dynamodb": ((500, "InternalServerError"), (503, "ServiceUnavailable")),
    "s3": ((500, "InternalError"), (503, "ServiceUnavailable")),
    "monitoring": ((500, "InternalServiceFault"), (503, "ServiceUnavailable")),
    "lambda": ((500, "ServiceException"), (503, "ServiceUnavailable")),
}
_ANY_SERVER_ERRORS = ((500, "InternalFailure"), (503, "ServiceUnavailable"))
_THROTTLES = {
    "sqs": ((400, "ThrottlingException"), (403, "RequestThrottled")),
    "dynamodb": ((400, "ProvisionedThroughputExceededException"), (400, "ThrottlingException")),
    "s3": ((503, "SlowDown"),),
    "monitoring": ((400, "ThrottlingException"),),
    "lambda": ((429, "TooManyRequestsException"),),
}
_ANY_THROTTLES = ((400, "Throttling"),)
_ONGOING = "Transaction is ongoing for the item"


def server_error(call: AwsCall, dice: Random) -> bytes:
    status, code = dice.choice(_SERVER_ERRORS.get(call.service, _ANY_SERVER_ERRORS))
    return _answer(call, status, code, "We encountered an internal error. Please try again.")


def throttled(call: AwsCall, dice: Random) -> bytes:
    status, code = dice.choice(_THROTTLES.get(call.service, _ANY_THROTTLES))
    return _answer(call, status, code, "Rate exceeded. Reduce your request rate.")


def transaction_conflict(call: AwsCall, dice: Random) -> bytes:
    """Another transaction is under way on an item of this request."""
    if call.operation != "TransactWriteItems":
        return _answer(call, 400, "TransactionConflictException", _ONGOING)
    items = len(call.parameters()["TransactItems"])
    met = dice.randrange(items)
    reasons = [
        {"Code": "TransactionConflict", "Message": _ONGOING} if item == met else {"Code": "None"}
        for item in range(items)
    ]
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return _answer(call, 400, "TransactionCanceledException", message, CancellationReasons=reasons)


def _answer(call: AwsCall, status: int, code: str, message: str, **more: Any) -> bytes:
    """An error in the form that this request's protocol has for it."""
    headers: dict[str, str] = {}
    if call.request.header("smithy-protocol"):
        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        body = _cbor_map({"__type": code, "message": message})
    elif call.request.header("x-amz-target"):
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        if call.service == "sqs":
            headers["x-amzn-query-error"] = f"{code};{'Receiver' if status >= 500 else 'Sender'}"
        body = json.dumps({"__type": f"com.amazonaws#{code}", "message": message, **more}).encode()
    elif call.service == "lambda":
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        body = json.dumps({"message": message}).encode()
    else:
        headers = {"Content-Type": "text/xml"}
        body = _xml(call.service, code, message)
    if call.request.method == "HEAD":
        body = b""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "x-amzn-RequestId: injected", "\r\n"]).encode() + body


def _xml(service: str, code: str, message: str) -> bytes:
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    if service == "s3":
        return f"<?xml version='1.0'?><Error>{error}<RequestId>injected</RequestId></Error>".encode()
    return (
        f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error>"
        "<RequestId>injected</RequestId></ErrorResponse>"
    ).encode()


def _cbor_map(values: dict[str, str]) -> bytes:
    """A map of fewer than 24 short texts in CBOR (RFC 8949)."""
    texts = [text.encode() for pair in values.items() for text in pair]
    return bytes([0xA0 | len(values)]) + b"".join(b"\x78" + bytes([len(text)]) + text for text in texts)
