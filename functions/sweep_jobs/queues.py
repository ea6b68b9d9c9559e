"""The task queues as the sweep uses them: counted, and sent to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from contract.routes import Route
from contract.settings import SweepSettings
from contract.tasks import Task, encode
from functions.sweep_jobs.decision import Messages

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_BATCH: Final = 10  # SQS takes no more in one call
_COUNTS: Final[tuple[QueueAttributeNameType, ...]] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)


class TaskQueues:
    def __init__(self, sqs: SQSClient, settings: SweepSettings) -> None:
        self._sqs = sqs
        self._urls = {
            Route.URGENT: settings.urgent_queue_url,
            Route.BAKE: settings.bake_queue_url,
            Route.RENDER: settings.render_queue_url,
        }

    def count(self) -> Messages:
        """All messages there are, approximately."""
        waiting = {route: self._depth(url) for route, url in self._urls.items()}
        return Messages(bake=waiting[Route.BAKE], frames=waiting[Route.RENDER] + waiting[Route.URGENT])

    def send(self, route: Route, tasks: Iterable[Task], out_of_time: Callable[[], bool]) -> bool:
        """False when the time was out before all were sent. Raises OSError when SQS refuses some."""
        waiting = iter(tasks)
        while batch := list(islice(waiting, _BATCH)):
            if out_of_time():
                return False
            answer = self._sqs.send_message_batch(QueueUrl=self._urls[route], Entries=list(_entries(batch)))
            if refused := answer.get("Failed"):
                raise OSError(f"SQS refused {len(refused)} messages: {refused[0].get('Message', '')}")
        return True

    def _depth(self, url: str) -> int:
        counts = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
        return sum(int(counts[name]) for name in _COUNTS)


def _entries(tasks: list[Task]) -> Iterator[SendMessageBatchRequestEntryTypeDef]:
    for number, task in enumerate(tasks):
        yield {"Id": str(number), "MessageBody": encode(task)}
