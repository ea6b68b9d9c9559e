"""A reverse proxy on loopback between AWS clients and the emulator, which injects what AWS does on bad days.

It runs in a thread of its own. With one client at a time the same seed injects the same faults; with
several, their order decides which request meets which.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from tests.faults import aws_errors
from tests.faults.aws_calls import AwsCall, call_of
from tests.faults.fault_rates import FaultKind, FaultRates, choose
from tests.faults.http_wire import MAX_HEAD_BYTES, HttpMessage, read_request
from tests.faults.upstream import Upstream

__all__ = ["FaultCounts", "FaultKind", "FaultProxy", "FaultRates", "Receipt"]

RECEIPTS_KEPT = 200
HowDown = Literal["error", "throttle", "refuse"]
_DOWN: dict[HowDown, FaultKind] = {
    "error": FaultKind.SERVER_ERROR,
    "throttle": FaultKind.THROTTLE,
    "refuse": FaultKind.DROP_BEFORE,
}
_ANSWERS: dict[FaultKind, Callable[[AwsCall, Random], bytes]] = {
    FaultKind.SERVER_ERROR: aws_errors.server_error,
    FaultKind.THROTTLE: aws_errors.throttled,
    FaultKind.TRANSACTION_CONFLICT: aws_errors.transaction_conflict,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message that somebody has just received."""

    queue_url: str
    handle: str
    body: str


@dataclass(slots=True)
class FaultCounts:
    faults: Counter[FaultKind] = field(default_factory=Counter)
    while_down: Counter[str] = field(default_factory=Counter)
    """Requests that met a service which was taken down, by service."""
    requests: Counter[str] = field(default_factory=Counter)
    """By `service.Operation`, whatever they met."""


class FaultProxy:
    def __init__(self, target: str, *, seed: int = 7, rates: FaultRates | None = None) -> None:
        self.rates = rates or FaultRates()
        """May be replaced at any time."""
        self.counts = FaultCounts()
        self._dice = Random(seed)
        self._upstream = Upstream(target)
        self._receipts: deque[Receipt] = deque(maxlen=RECEIPTS_KEPT)
        self._down: dict[str, tuple[float, HowDown]] = {}
        self._paused = False
        self._port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="fault proxy")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def receipts(self) -> Sequence[Receipt]:
        """What was received most recently, the newest last."""
        return tuple(self._receipts)

    def start(self) -> FaultProxy:
        self._thread.start()
        self._ready.wait(10)
        if not self._port:
            raise RuntimeError("the fault proxy did not start within 10 s")
        return self

    def stop(self) -> None:
        """Close every connection. Doing it twice is fine."""
        if self._loop and self._stopped and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    def pause_faults(self) -> None:
        """Let everything pass, services that are down as well, until `resume_faults`."""
        self._paused = True

    def resume_faults(self) -> None:
        self._paused = False

    def take_down(self, service: str, seconds: float, how: HowDown = "error") -> None:
        """Let a whole service (`sqs`, `dynamodb`, `s3`, …) fail from now on for so long."""
        self._down[service] = (time.monotonic() + seconds, how)

    async def _main(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_HEAD_BYTES, backlog=512)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        self._upstream.close()
        await asyncio.sleep(0.05)  # connections are really closed in the loop's next turns

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, request after request."""
        try:
            while request := await read_request(reader, writer):
                answer, stay = await self._answer(request)
                writer.write(answer)
                if not stay:
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one of the two sides has gone; the other one is told by closing
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()  # or a loop that ends leaves an open socket behind

    async def _answer(self, request: HttpMessage) -> tuple[bytes, bool]:
        """What the client gets, and whether its connection stays."""
        call = call_of(request)
        if not call:
            return _whole(await self._upstream.exchange(request)), True
        self.counts.requests[call.name] += 1
        fault = self._fault(call)
        if fault in _ANSWERS:
            return _ANSWERS[fault](call, self._dice), True
        if fault is FaultKind.DROP_BEFORE:
            return b"", False
        if fault is FaultKind.SLOW:
            await asyncio.sleep(self._dice.uniform(*self.rates.slow_seconds))
        answer = await self._upstream.exchange(request)
        if call.name == "sqs.ReceiveMessage" and answer.status == 200:
            await self._received(call, answer, again=fault is FaultKind.DUPLICATE_DELIVERY)
        if fault is FaultKind.DROP_AFTER:
            return b"", False
        if fault is FaultKind.CUT:
            return answer.head + answer.body[: len(answer.body) // 2], False
        return _whole(answer), True

    def _fault(self, call: AwsCall) -> FaultKind | None:
        """What this request meets, counted."""
        if self._paused:
            return None
        until, how = self._down.get(call.service, (0.0, "error"))
        if time.monotonic() < until:
            self.counts.while_down[call.service] += 1
            return _DOWN[how]
        fault = choose(self.rates, call, self._dice)
        if fault and fault is not FaultKind.DUPLICATE_DELIVERY:  # that needs a message: counted there
            self.counts.faults[fault] += 1
        return fault

    async def _received(self, call: AwsCall, answer: HttpMessage, *, again: bool) -> None:
        """Keep the receipts, and let the messages be received once more when the dice said so."""
        queue_url = call.parameters()["QueueUrl"]
        for message in json.loads(answer.body).get("Messages", []):
            receipt = Receipt(queue_url, message["ReceiptHandle"], message["Body"])
            self._receipts.append(receipt)
            if again:
                self.counts.faults[FaultKind.DUPLICATE_DELIVERY] += 1
                await self._upstream.exchange(_make_visible(call.request, receipt))


def _whole(answer: HttpMessage) -> bytes:
    return answer.head + answer.body


def _make_visible(received: HttpMessage, receipt: Receipt) -> HttpMessage:
    """A request that ends a lease, made of the one that took it: the emulator looks at no signature."""
    body = json.dumps(
        {"QueueUrl": receipt.queue_url, "ReceiptHandle": receipt.handle, "VisibilityTimeout": 0}
    ).encode()
    lines = [
        received.first_line.decode("latin-1"),
        f"Host: {received.header('host')}",
        f"Authorization: {received.header('authorization')}",
        "X-Amz-Target: AmazonSQS.ChangeMessageVisibility",
        "Content-Type: application/x-amz-json-1.0",
        f"Content-Length: {len(body)}",
        "\r\n",
    ]
    return HttpMessage("\r\n".join(lines).encode("latin-1"), body)
