"""The SQS queues as the agent uses them."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from contract.tasks import Task, encode

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

log = logging.getLogger(__name__)

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
    """`quick_sqs` soon fails rather than hang: leases are renewed through it (default: the other one).

    `most` of its tasks can be done together by one worker.
    """

    def __init__(
        self,
        sqs: SQSClient,
        url: str,
        *,
        quick_sqs: SQSClient | None = None,
        most: int = _BATCH,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sqs = sqs
        self._quick_sqs = quick_sqs or sqs
        self._url = url
        self._most = most
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
            MaxNumberOfMessages=min(most, self._most),
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

    def extend_all(self, messages: Sequence[Message], seconds: int) -> None:
        """Hold each for `seconds` from now. Raises LeaseLostError if one is lost, OSError if SQS refuses."""
        if len(messages) == 1:
            self.extend(messages[0], seconds)
            return
        for batch in batched(messages):
            answer = self._quick_sqs.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
                    for number, message in enumerate(batch)
                ],
            )
            for failure in answer.get("Failed", []):
                what = f"message {batch[int(failure['Id'])].id}: {failure.get('Message', failure['Code'])}"
                if failure["Code"] in _GONE:
                    raise LeaseLostError(what)
                raise OSError(f"SQS refused to hold {what}")

    def give_back_all(self, messages: Sequence[Message], delay_seconds: int) -> int:
        """The same as give_back, of those that are still held; how many these were."""
        given_back = 0
        for message in messages:
            try:
                self.give_back(message, delay_seconds)
                given_back += 1
            except LeaseLostError as error:
                log.info("nothing to give back: %s", error)
        return given_back

    def give_back_unused(self, messages: Sequence[Message]) -> None:
        """At once, each call whatever becomes of the others: what fails is free when its lease is over."""
        fresh = [message for message in messages if message.receives < WORN_RECEIVES]
        worn = [message for message in messages if message.receives >= WORN_RECEIVES]
        calls = [partial(self.extend_all, batch, 0) for batch in batched(fresh)]
        for call in (*calls, *(partial(self.give_back, message, 0) for message in worn)):
            try:
                call()
            except Exception as error:
                log.warning("could not give back what is not used: %s", error)

    def delete_all(self, messages: Sequence[Message]) -> None:
        """What SQS refuses to delete is seen again, and found to be done."""
        if len(messages) == 1:
            self.delete(messages[0])
            return
        for batch in batched(messages):
            answer = self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message.receipt}
                    for number, message in enumerate(batch)
                ],
            )
            for failure in answer.get("Failed", []):
                log.warning("SQS did not delete %s: %s", batch[int(failure["Id"])].id, failure["Code"])

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


def batched(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """As many at a time as SQS takes in one call."""
    return (messages[first : first + _BATCH] for first in range(0, len(messages), _BATCH))


def _entries(bodies: list[str]) -> Iterator[SendMessageBatchRequestEntryTypeDef]:
    for number, body in enumerate(bodies):
        yield {"Id": str(number), "MessageBody": body}
