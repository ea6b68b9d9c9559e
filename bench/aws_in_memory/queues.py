"""SQS queues in memory: messages that are hidden while they are held, and looks that wait."""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from bench.aws_in_memory.errors import RefusedError

_SEEN: Final = 100
"""Of the messages that wait longest, from which a short poll's random ones come."""


@dataclass(slots=True)
class _Message:
    id: str
    body: str
    receives: int = 0
    receipt: str = ""


class _Queue:
    """With `chance`, a look that does not wait gets a random share of what it would: anything from nothing to
    all, in any order, as SQS then asks only some of its servers. Without, it gets all, in order: at best."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance
        self.changed = threading.Condition()
        self.visible: OrderedDict[str, _Message] = OrderedDict()
        self.hidden: dict[str, tuple[float, _Message]] = {}
        """By message id: until when, in monotonic seconds."""
        self._look_again_at = 0.0

    def add(self, body: str, delay_seconds: float) -> str:
        message = _Message(uuid4().hex, body)
        with self.changed:
            self.hide(message, delay_seconds)
            self.changed.notify()
        return message.id

    def hide(self, message: _Message, seconds: float) -> None:
        """Under the lock."""
        self.hidden.pop(message.id, None)
        if seconds:
            until = time.monotonic() + seconds
            self.hidden[message.id] = until, message
            self._look_again_at = min(self._look_again_at, until) if self.hidden else until
        else:
            self.visible[message.id] = message

    def show_what_is_due(self) -> None:
        """Under the lock. Leases that lapse are rare: all are looked through once a second at most."""
        now = time.monotonic()
        if now < self._look_again_at:
            return
        self._look_again_at = now + 1
        for message_id, (until, message) in list(self.hidden.items()):
            if until <= now:
                del self.hidden[message_id]
                self.visible[message_id] = message

    def receive(self, most: int, wait_seconds: float, hidden_seconds: float) -> list[_Message]:
        deadline = time.monotonic() + wait_seconds
        with self.changed:
            while True:
                self.show_what_is_due()
                if self.visible:
                    break
                left = deadline - time.monotonic()
                if left <= 0:
                    return []
                self.changed.wait(min(left, 1))
            taken = [self.visible.pop(message_id) for message_id in self._found(most, wait_seconds)]
            for message in taken:
                message.receives += 1
                message.receipt = uuid4().hex
                self.hide(message, hidden_seconds)
            if self.visible:
                self.changed.notify()
            return taken

    def _found(self, most: int, wait_seconds: float) -> list[str]:
        """Ids, under the lock."""
        if self._chance is None or wait_seconds:
            return list(islice(self.visible, most))
        seen = list(islice(self.visible, _SEEN))
        return self._chance.sample(seen, self._chance.randint(0, min(most, len(seen))))

    def held(self, receipt: str) -> _Message:
        """Under the lock. Raises RefusedError for a receipt that holds nothing any more."""
        self.show_what_is_due()
        message_id, _, own = receipt.partition("/")
        _, message = self.hidden.get(message_id, (0.0, None))
        if message is None or message.receipt != own:
            raise RefusedError("ReceiptHandleIsInvalid", "The receipt handle has expired")
        return message


class Queues:
    """Each public method is an operation of SQS: parameters and answer are the body's JSON."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance
        """Given, looks that do not wait get a random share."""
        self._lock = threading.Lock()
        self._queues: dict[str, _Queue] = {}

    def put(self, url: str, body: str) -> None:
        """A message that nobody has asked to send."""
        self._of({"QueueUrl": url}).add(body, 0)

    def waiting(self, url: str) -> int:
        """Messages that anybody may take."""
        return len(self._of({"QueueUrl": url}).visible)

    def hidden(self, url: str) -> int:
        """Messages that somebody holds, or that are delayed."""
        return len(self._of({"QueueUrl": url}).hidden)

    def receive_message(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        found = self._of(asked).receive(
            asked.get("MaxNumberOfMessages", 1), asked.get("WaitTimeSeconds", 0), asked["VisibilityTimeout"]
        )
        if not found:
            return {}
        return {
            "Messages": [
                {
                    "MessageId": message.id,
                    "ReceiptHandle": f"{message.id}/{message.receipt}",
                    "Body": message.body,
                    "Attributes": {"ApproximateReceiveCount": str(message.receives)},
                }
                for message in found
            ]
        }

    def send_message(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"MessageId": self._of(asked).add(asked["MessageBody"], asked.get("DelaySeconds", 0))}

    def send_message_batch(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return self._each(asked, lambda queue, entry: self.send_message({**entry, "QueueUrl": queue}))

    def delete_message(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """As SQS does: a receipt that is no good any more deletes nothing, and that is no error."""
        queue = self._of(asked)
        with queue.changed, suppress(RefusedError):
            del queue.hidden[queue.held(asked["ReceiptHandle"]).id]
        return {}

    def delete_message_batch(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return self._each(asked, lambda queue, entry: self.delete_message({**entry, "QueueUrl": queue}))

    def change_message_visibility(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._of(asked)
        with queue.changed:
            queue.hide(queue.held(asked["ReceiptHandle"]), asked["VisibilityTimeout"])
            queue.changed.notify()
        return {}

    def change_message_visibility_batch(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return self._each(
            asked, lambda queue, entry: self.change_message_visibility({**entry, "QueueUrl": queue})
        )

    def get_queue_attributes(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._of(asked)
        with queue.changed:
            visible, hidden = len(queue.visible), len(queue.hidden)
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(visible),
                "ApproximateNumberOfMessagesDelayed": "0",
                "ApproximateNumberOfMessagesNotVisible": str(hidden),
            }
        }

    def _of(self, asked: Mapping[str, Any]) -> _Queue:
        with self._lock:
            return self._queues.setdefault(asked["QueueUrl"], _Queue(self._chance))

    @staticmethod
    def _each(asked: Mapping[str, Any], call: Any) -> dict[str, Any]:
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in asked["Entries"]:
            try:
                done.append({"Id": entry["Id"], **call(asked["QueueUrl"], entry)})
            except RefusedError as error:
                failed.append({"Id": entry["Id"], "Code": error.code, "SenderFault": True})
        return {"Successful": done, "Failed": failed}
