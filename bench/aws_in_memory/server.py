"""The same services for another process: on this machine's own address, at a port that is free."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from bench.aws_in_memory.services import Services

_TARGETS = {
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "Logs_20140328": "cloudwatch-logs",
}
_OBJECTS = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    body: bytes


@contextmanager
def served(services: Services) -> Iterator[str]:
    """Its address (AWS_ENDPOINT_URL); it is gone in the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self._body()
            service, operation = self._asked(body)
            status, headers, content = services.answer(
                service, operation, _Request(self.command, self.path, body)
            )
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - http.server asks for these names

        def _asked(self, body: bytes) -> tuple[str, str]:
            target, _, operation = self.headers.get("X-Amz-Target", "").rpartition(".")
            if target:
                return _TARGETS[target], operation
            if self.command == "POST":
                return "auto-scaling", parse_qs(body.decode())["Action"][0]
            return "s3", _OBJECTS[self.command]

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            """Nobody reads a line for each of a hundred thousand."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="aws-in-memory", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
