"""How SQS gives back and counts, on a queue of the run's own: the farm's are other people's."""

from __future__ import annotations

from typing import Final

from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Seen, not_so, ok

HIDDEN_SECONDS: Final = 120
AT_ONCE_SECONDS: Final = 5.0
MESSAGES: Final = 10
COUNTED_SECONDS: Final = 90.0


def given_back_at_once(run: LiveRun) -> Seen:
    """A message that is held for two minutes and given back comes to the next who asks."""
    sqs, url = run.farm.clients.sqs, _queue(run)
    sqs.send_message(QueueUrl=url, MessageBody=run.run_id)
    first = _receive(run, url, AT_ONCE_SECONDS)
    if first is None:
        return not_so(f"a message that was sent did not come within {AT_ONCE_SECONDS:.0f} s")
    if _receive(run, url, 0) is not None:
        return not_so("a message that is held was handed out again")
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first[0], VisibilityTimeout=0)
    back = run.clock()
    second = _receive(run, url, AT_ONCE_SECONDS)
    if second is None:
        return not_so(f"a message that was given back did not come within {AT_ONCE_SECONDS:.0f} s")
    receipt, receives = second
    sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
    if receives != 2:
        return not_so(f"handed out twice, its count is {receives}")
    return ok(f"back after {run.clock() - back:.1f} s, handed out twice by SQS's count")


def counts_lag(run: LiveRun) -> Seen:
    """Ten messages; how long until SQS counts them all."""
    sqs, url = run.farm.clients.sqs, _queue(run)
    before = _count(run, url)
    entries = [{"Id": str(number), "MessageBody": run.run_id} for number in range(MESSAGES)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]  # a TypedDict of these
    sent = run.clock()
    if run.wait_for(lambda: _count(run, url) >= before + MESSAGES, COUNTED_SECONDS):
        return ok(f"{MESSAGES} messages are counted {run.clock() - sent:.1f} s after they were sent")
    return not_so(f"{_count(run, url)} of {MESSAGES} messages are counted after {COUNTED_SECONDS:.0f} s")


def _queue(run: LiveRun) -> str:
    """Its URL; made at the first call. SQS makes no second one of a name."""
    return run.farm.clients.sqs.create_queue(QueueName=run.queue_name)["QueueUrl"]


def _receive(run: LiveRun, url: str, seconds: float) -> tuple[str, int] | None:
    """A receipt, and how often its message was handed out."""
    answer = run.farm.clients.sqs.receive_message(
        QueueUrl=url,
        WaitTimeSeconds=int(seconds),
        VisibilityTimeout=HIDDEN_SECONDS,
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    )
    for message in answer.get("Messages", []):
        return message["ReceiptHandle"], int(message["Attributes"]["ApproximateReceiveCount"])
    return None


def _count(run: LiveRun, url: str) -> int:
    answer = run.farm.clients.sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])
