"""The SQS queues as the agent uses them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from contract.tasks import Task, encode

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_BATCH = 10  # SQS takes no more in one call
_GONE = {
    "ReceiptHandleIsInvalid",
    "InvalidParameterValue",
    "MessageNotInflight",
    "AWS.SimpleQueueService.MessageNotInflight",
}


SEND_TRIES = 5
"""Times that what SQS refuses of a batch is sent, with waits of some 7 s in all."""
MAX_DELAY_SECONDS = 900  # of a message that is sent
WORN_RECEIVES = 50
"""Half of what the queues allow (stacks.farm_queues): the rest is for workers that die without a word."""


class LeaseLostError(Exception):
    """The message is not held any more: somebody else may have it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One received message; the receipt names this receive."""

    id: str
    receipt: str
    body: str
    receives: int = 1
    """Times that it was handed out, this one included."""


class TaskQueue:
    """`quick_sqs` soon fails rather than hang: leases are renewed through it (default: the other one)."""

    def __init__(
        self,
        sqs: SQSClient,
        url: str,
        *,
        quick_sqs: SQSClient | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sqs = sqs
        self._quick_sqs = quick_sqs or sqs
        self._url = url
        self._sleep = sleep

    def receive(self, *, wait_seconds: int, lease_seconds: int) -> Message | None:
        """Take one message, waiting at most `wait_seconds` (0 to 20), and hold it `lease_seconds`."""
        taken = self.receive_many(most=1, wait_seconds=wait_seconds, lease_seconds=lease_seconds)
        return taken[0] if taken else None

    def receive_many(self, *, most: int, wait_seconds: int, lease_seconds: int) -> list[Message]:
        """Take up to `most` messages (1 to 10) in one call, waiting at most `wait_seconds` (0 to 20) for the
        first, and hold each `lease_seconds`. Without a wait, SQS may miss some that are there.
        """
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=lease_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            Message(
                id=message["MessageId"],
                receipt=message["ReceiptHandle"],
                body=message["Body"],
                receives=int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for message in answer.get("Messages", [])
        ]

    def tasks(self) -> int:
        """How many messages it holds, delayed ones and those in flight included, as SQS counts them: late."""
        names: list[QueueAttributeNameType] = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        answer = self._quick_sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def extend(self, message: Message, seconds: int) -> None:
        """Hold a message for `seconds` from now; 0 gives it back. Raises LeaseLostError."""
        try:
            self._quick_sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=seconds
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise LeaseLostError(f"message {message.id}: {error}") from error
            raise

    def give_back(self, message: Message, delay_seconds: int) -> None:
        """Let another worker have it, after `delay_seconds`. Raises LeaseLostError.

        One that was handed out often is replaced by a new copy: its count would end among the dead letters,
        though nobody died of it.
        """
        if message.receives < WORN_RECEIVES:
            self.extend(message, delay_seconds)
            return
        delay_seconds = min(delay_seconds, MAX_DELAY_SECONDS)
        self._sqs.send_message(QueueUrl=self._url, MessageBody=message.body, DelaySeconds=delay_seconds)
        self.delete(message)

    def delete(self, message: Message) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def send(self, tasks: Iterable[Task]) -> None:
        """Send tasks, ten a call; what SQS refuses for its own reasons is sent again.

        Raises OSError when it goes on refusing; then some may have been sent.
        """
        waiting = iter(tasks)
        while batch := list(islice(waiting, _BATCH)):
            self._send_batch([encode(task) for task in batch])

    def send_body(self, body: str) -> None:
        """Pass on a message as it is."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=body)

    def _send_batch(self, bodies: list[str]) -> None:
        for attempt in range(SEND_TRIES):
            if attempt:
                self._sleep(random.uniform(0, 0.5 * 2**attempt))
            answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=list(_entries(bodies)))
            failed = answer.get("Failed", [])
            if not failed:
                return
            bodies = [bodies[int(entry["Id"])] for entry in failed]
        raise OSError(f"SQS refused {len(bodies)} messages: {failed[0].get('Message', failed[0]['Code'])}")


def _entries(bodies: list[str]) -> Iterator[SendMessageBatchRequestEntryTypeDef]:
    for number, body in enumerate(bodies):
        yield {"Id": str(number), "MessageBody": body}
