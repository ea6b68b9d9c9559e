"""People are told of a laptop farm's jobs through the deployed stream, filter, Lambda and topic."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from farm import control
from farm.local import clients
from tests.e2e.laptop import LaptopFarm


@dataclass(frozen=True, slots=True)
class Mailbox:
    sqs: Any
    url: str
    told: list[dict[str, Any]] = field(default_factory=list)

    def wait_for(self, *job_ids: str, seconds: float = 240) -> None:
        """Until each of them has been told of."""
        deadline = time.monotonic() + seconds
        while not all(any(job_id in m["Message"] for m in self.told) for job_id in job_ids):
            assert time.monotonic() < deadline, f"told of {self.told} in {seconds} s"
            answer = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                self.told.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def of(self, job_id: str) -> list[dict[str, Any]]:
        return [message for message in self.told if job_id in message["Message"]]


@pytest.fixture
def mailbox(laptop: LaptopFarm) -> Iterator[Mailbox]:
    """Subscribed to the farm's topic as a person would be."""
    aws = clients.clients_of(laptop.record.endpoint)
    url = aws.sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = laptop.record.outputs["NotificationTopicArn"]
    subscription = aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    yield Mailbox(aws.sqs, url)
    aws.sns.unsubscribe(SubscriptionArn=subscription)
    aws.sqs.delete_queue(QueueUrl=url)


def test_a_person_hears_once_of_each_job_that_ends_and_not_of_what_they_cancel(
    laptop: LaptopFarm, scene: Path, mailbox: Mailbox
) -> None:
    canceled = laptop.upload(scene, "news/canceled.blend")
    deadline = time.monotonic() + 60
    while laptop.farm.records.job(canceled) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    control.cancel(laptop.farm, canceled)
    done = laptop.upload(scene, "news/<b>shot\u00e9.blend", {"frames": "1-2"})
    refused = laptop.upload(scene, "news/refused.blend", {"frames": "all of them"})
    mailbox.wait_for(done, refused)

    (of_done,) = mailbox.of(done)
    assert of_done["Subject"] == "<b>shot?.blend is done"
    assert "Frames:   2 of 2 done\n" in of_done["Message"]
    assert f"farm download {done}" in of_done["Message"]
    place = f"s3://{laptop.farm.bucket}/news/output/{done}/frames/"
    assert place in of_done["Message"]
    assert laptop.record.outputs["DashboardUrl"] in of_done["Message"]

    (of_refused,) = mailbox.of(refused)
    assert of_refused["Subject"] == "refused.blend failed"
    assert "'all of them' is no frame range" in of_refused["Message"]

    assert mailbox.of(canceled) == [], "its change lies before the others in the stream"
