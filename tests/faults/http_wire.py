"""HTTP/1.1 messages as they lie on the wire: just enough is understood to pass them on whole."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"
MAX_HEAD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A request or an answer. The body is kept as it came, framing of chunks included."""

    head: bytes
    """First line and headers, up to and with the empty line."""
    body: bytes

    @property
    def first_line(self) -> bytes:
        return self.head[: self.head.index(b"\r\n")]

    @property
    def method(self) -> str:
        """Of a request."""
        return self.first_line.partition(b" ")[0].decode("latin-1")

    @property
    def target(self) -> str:
        """Path and query of a request."""
        return self.first_line.split(b" ")[1].decode("latin-1")

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.first_line.split(b" ")[1])

    def header(self, name: str) -> str:
        """A header's value; empty when it is not there."""
        return header(self.head, name)


def header(head: bytes, name: str) -> str:
    mark = b"\r\n" + name.lower().encode() + b":"
    start = head.lower().find(mark)
    if start < 0:
        return ""
    start += len(mark)
    return head[start : head.index(b"\r\n", start)].strip().decode("latin-1")


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpMessage | None:
    """The next request of a client; None when it has closed. Who asks before it sends a body is told yes."""
    try:
        head = await reader.readuntil(HEAD_END)
    except asyncio.IncompleteReadError:
        return None
    if header(head, "expect"):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = _without(head, b"expect")
    return HttpMessage(head, await _read_body(reader, head))


async def read_answer(reader: asyncio.StreamReader, method: str) -> HttpMessage:
    """The answer to a request of that method. Raises asyncio.IncompleteReadError."""
    answer = HttpMessage(await reader.readuntil(HEAD_END), b"")
    if method == "HEAD" or answer.status in (204, 304):
        return answer
    return HttpMessage(answer.head, await _read_body(reader, answer.head))


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    length = header(head, "content-length")
    if length:
        return await reader.readexactly(int(length))
    if header(head, "transfer-encoding").lower() == "chunked":
        return await _read_chunks(reader)
    return b""


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        parts.append(line)
        if size == 0:
            break
        parts.append(await reader.readexactly(size + 2))
    while True:  # trailers, up to the empty line
        line = await reader.readuntil(b"\r\n")
        parts.append(line)
        if line == b"\r\n":
            return b"".join(parts)


def _without(head: bytes, name: bytes) -> bytes:
    lines = head[: -len(HEAD_END)].split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() != name]
    return b"\r\n".join(kept) + HEAD_END
