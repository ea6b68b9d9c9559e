"""Connections to the service behind the proxy, kept open and used again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from tests.faults.http_wire import MAX_HEAD_BYTES, HttpMessage, read_answer

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Upstream:
    """Used by one event loop only."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._idle: list[_Connection] = []

    async def exchange(self, request: HttpMessage) -> HttpMessage:
        """Send a request and read its whole answer. Raises OSError or asyncio.IncompleteReadError."""
        while connection := self._take_idle():
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                # It may have been closed for its age while we wrote: then nothing of it was heard.
                return await self._exchange(connection, request)
        connection = await asyncio.open_connection(self._host, self._port, limit=MAX_HEAD_BYTES)
        return await self._exchange(connection, request)

    async def _exchange(self, connection: _Connection, request: HttpMessage) -> HttpMessage:
        reader, writer = connection
        answer = None
        try:
            writer.write(request.head + request.body)
            answer = await read_answer(reader, request.method)
            return answer
        finally:
            if answer and answer.header("connection").lower() != "close":
                self._idle.append(connection)
            else:
                writer.close()

    def _take_idle(self) -> _Connection | None:
        """The one used last: the oldest may have been closed meanwhile."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()
