"""What the agent does with SQS."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from contract.tasks import BakeTask, encode
from tests.support.aws_edges import AwsEdges, aws_edges
from worker_agent.tasks.task_queue import MAX_DELAY_SECONDS, WORN_RECEIVES, LeaseLostError, Message, TaskQueue


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


@pytest.fixture
def queue(aws: AwsEdges) -> TaskQueue:
    queue = TaskQueue(aws.sqs, aws.bake_queue_url)
    queue.send([BakeTask("a")])
    return queue


def taken(queue: TaskQueue) -> Message:
    message = queue.receive(wait_seconds=0, lease_seconds=60)
    assert message
    return message


def test_a_task_that_is_given_back_for_ever_never_meets_the_dead_letters(
    aws: AwsEdges, queue: TaskQueue
) -> None:
    for _ in range(250):  # the queue's own limit is 100
        message = taken(queue)
        assert message.body == encode(BakeTask("a"))
        queue.give_back(message, 0)
    assert TaskQueue(aws.sqs, aws.dead_letter_queue_url).receive(wait_seconds=0, lease_seconds=1) is None
    queue.delete(taken(queue))
    assert queue.receive(wait_seconds=0, lease_seconds=1) is None, "it is one task all the time"


def test_a_task_that_is_not_given_back_by_any_worker_does(aws: AwsEdges, queue: TaskQueue) -> None:
    for _ in range(100):
        message = queue.receive(wait_seconds=0, lease_seconds=0)
        assert message
    assert queue.receive(wait_seconds=0, lease_seconds=0) is None
    assert TaskQueue(aws.sqs, aws.dead_letter_queue_url).receive(wait_seconds=0, lease_seconds=1)


def test_a_worn_task_waits_no_longer_than_sqs_allows(aws: AwsEdges, queue: TaskQueue) -> None:
    for _ in range(WORN_RECEIVES - 1):
        queue.give_back(taken(queue), 0)
    message = taken(queue)
    assert message.receives == WORN_RECEIVES
    queue.give_back(message, 2 * MAX_DELAY_SECONDS)
    counts = aws.sqs.get_queue_attributes(QueueUrl=aws.bake_queue_url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesDelayed"] == "1"
    assert counts["ApproximateNumberOfMessages"] == "0"


def test_several_messages_come_with_one_call_and_each_is_held(aws: AwsEdges, queue: TaskQueue) -> None:
    queue.send(BakeTask(name) for name in "bcd")
    taken = queue.receive_many(most=3, wait_seconds=0, lease_seconds=60)
    assert {message.body for message in taken} <= {encode(BakeTask(name)) for name in "abcd"}
    assert len({message.receipt for message in taken}) == 3
    for message in taken:
        queue.delete(message)
    assert len(queue.receive_many(most=10, wait_seconds=0, lease_seconds=60)) == 1
    assert queue.receive_many(most=10, wait_seconds=0, lease_seconds=60) == []


def test_what_is_not_used_is_given_back_with_one_call(
    aws: AwsEdges, queue: TaskQueue, caplog: pytest.LogCaptureFixture
) -> None:
    queue.send(BakeTask(name) for name in "bcd")
    taken = queue.receive_many(most=4, wait_seconds=0, lease_seconds=60)
    asked: list[str] = []
    aws.sqs.meta.events.register("before-call.sqs", lambda model, **_: asked.append(model.name))
    lost, worn = replace(taken[0], receipt="nobody's"), replace(taken[1], receives=WORN_RECEIVES)
    queue.give_back_unused([lost, worn, *taken[2:]])
    assert asked == ["ChangeMessageVisibilityBatch", "SendMessage", "DeleteMessage"]
    assert f"could not give back what is not used: message {lost.id}" in caplog.text
    again = queue.receive_many(most=10, wait_seconds=0, lease_seconds=60)
    assert {message.body for message in again} == {message.body for message in taken[1:]}


@pytest.fixture
def eleven(aws: AwsEdges, queue: TaskQueue) -> list[Message]:
    """More messages than SQS takes in a call, all of them held."""
    queue.send(BakeTask(f"job-{number}") for number in range(10))
    held: list[Message] = []
    while messages := queue.receive_many(most=10, wait_seconds=0, lease_seconds=60):
        held += messages
    assert len(held) == 11
    return held


def test_held_messages_are_renewed_given_back_and_deleted_together(
    aws: AwsEdges, queue: TaskQueue, eleven: list[Message]
) -> None:
    queue.extend_all(eleven, 120)
    assert queue.give_back_all(eleven[:4], 0) == 4
    queue.delete_all(eleven[4:])
    left = queue.receive_many(most=10, wait_seconds=0, lease_seconds=60)
    assert {message.id for message in left} == {message.id for message in eleven[:4]}
    assert queue.tasks() == 4


def test_when_one_of_several_is_gone_the_hold_is_lost(
    aws: AwsEdges, queue: TaskQueue, eleven: list[Message]
) -> None:
    queue.delete(eleven[-1])
    with pytest.raises(LeaseLostError):
        queue.extend_all([*eleven[:3], replace(eleven[-1], receipt="nobody's")], 120)
    queue.extend_all(eleven[:3], 120)


def test_a_queue_of_large_tasks_gives_one_at_a_time(aws: AwsEdges, eleven: list[Message]) -> None:
    queue = TaskQueue(aws.sqs, aws.bake_queue_url, most=1)
    queue.give_back_all(eleven, 0)
    assert len(queue.receive_many(most=10, wait_seconds=0, lease_seconds=60)) == 1
