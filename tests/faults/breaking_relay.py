"""A relay on loopback whose connections break in the middle of whatever is being said."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

_CHUNK_BYTES = 64 * 1024


class BreakingRelay:
    """Bytes are passed on as they are. Each connection is cut off after so many of them, in both directions
    together, as long as there is a number in `breaks`; afterwards all connections live. With `silent_after`,
    all of them fall silent for good after so many bytes in all.
    """

    def __init__(self, target: str, breaks: Sequence[int] = (), *, silent_after: int | None = None) -> None:
        parts = urlsplit(target)
        self._host, self._target_port = parts.hostname or "127.0.0.1", parts.port or 80
        self.breaks = list(breaks)
        self.broken = 0
        """Connections that were cut off."""
        self._until_silence = silent_after
        self.silent = threading.Event()
        self._port = 0
        self._ready = threading.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="breaking relay")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> BreakingRelay:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        assert self._loop
        assert self._stopped
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _main(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        await asyncio.sleep(0)  # what was accepted just now is told of in the loop's next turn
        tasks = list(self._serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._open:  # also of those whose task had not begun
            writer.transport.abort()
        await asyncio.sleep(0.05)  # connections that were broken off are closed in the loop's next turns

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._serving.discard(task)
            self._open.discard(writer)
            writer.transport.abort()

        task.add_done_callback(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = [self.breaks.pop(0)] if self.breaks else None
        try:
            there, back = await asyncio.open_connection(self._host, self._target_port)
        except (OSError, asyncio.CancelledError):
            return
        try:
            ways = [
                asyncio.ensure_future(self._pass(reader, back, left)),
                asyncio.ensure_future(self._pass(there, writer, left)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.transport.abort()
            back.transport.abort()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, left: list[int] | None
    ) -> None:
        try:
            while data := await source.read(_CHUNK_BYTES):
                await self._fall_silent(len(data))
                if left is not None:
                    data = data[: left[0]]
                    left[0] -= len(data)
                sink.write(data)
                await sink.drain()
                if left is not None and left[0] <= 0:
                    self.broken += 1
                    return
        except (OSError, asyncio.CancelledError):
            return

    async def _fall_silent(self, size: int) -> None:
        if self._until_silence is None:
            return
        self._until_silence -= size
        if self._until_silence <= 0:
            self.silent.set()
            await asyncio.Event().wait()
