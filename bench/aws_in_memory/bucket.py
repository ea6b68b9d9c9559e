"""The bucket in memory. What is put by a request is counted and not kept: nobody reads it again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""


class Bucket:
    """Objects by their path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[str, bytes] = {}

    def put(self, key: str, content: bytes) -> None:
        """For the source of a job."""
        with self._lock:
            self._objects[key] = content

    def answer(self, method: str, url: str) -> Answer:
        path = _path(url)
        if method == "PUT":
            return 200, {"ETag": '"0"'}, b""
        if method == "DELETE":
            return 204, {}, b""
        with self._lock:
            content = self._objects.get(path)
        if content is None:
            return 404, {}, b"" if method == "HEAD" else b"<Error><Code>NoSuchKey</Code></Error>"
        headers = {
            "Content-Length": str(len(content)),
            "ETag": '"0"',
            "Last-Modified": "Mon, 30 Nov 2026 08:00:00 GMT",
        }
        return 200, headers, b"" if method == "HEAD" else content


def _path(url: str) -> str:
    """Bucket and key, whether the bucket is in the host's name or in the path."""
    parts = urlsplit(url)
    bucket, in_host, _ = parts.netloc.partition(".s3.")
    path = unquote(parts.path).lstrip("/")
    return f"{bucket}/{path}" if in_host else path
