"""What must not be there when all is over: messages, processes, scratch folders."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contract.job import timestamp
from contract.keys import JOBS_FOLDER, LEAVING_FOLDER, TRASH_FOLDER
from contract.settings import JanitorSettings
from contract.table import job_key
from tests.faults.chaos.stage import Stage


@dataclass(frozen=True, slots=True)
class Queued:
    """Messages on one queue."""

    waiting: int
    held: int
    delayed: int

    @property
    def all(self) -> int:
        return self.waiting + self.held + self.delayed


def queued(stage: Stage) -> dict[str, Queued]:
    found = {}
    urls = {**stage.queue_urls, "dead letters": stage.farm.record.outputs["DeadLetterQueueUrl"]}
    for name, url in urls.items():
        values = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        found[name] = Queued(
            int(values["ApproximateNumberOfMessages"]),
            int(values["ApproximateNumberOfMessagesNotVisible"]),
            int(values.get("ApproximateNumberOfMessagesDelayed", 0)),
        )
    return found


def wait_for_quiet(stage: Stage, receipts: Sequence[tuple[str, str]], seconds: float) -> dict[str, int]:
    """What is left on each queue once the agents have had their time with it.

    A copy of a bake task is put off for half an hour: time is made to pass for it, and for whatever
    else is still held, by ending its lease.
    """
    deadline = time.monotonic() + seconds
    hurried = False
    while True:
        left = {name: found.all for name, found in queued(stage).items()}
        if not any(left.values()) or time.monotonic() > deadline:
            return left
        if not hurried and time.monotonic() > deadline - seconds + 10:
            hurried = True
            for url, receipt in receipts:
                _end_lease(stage, url, receipt)
        time.sleep(0.5)


def _end_lease(stage: Stage, url: str, receipt: str) -> None:
    client = stage.sqs
    try:
        client.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    except client.exceptions.ClientError:
        return  # long done with


def scratch_left(stage: Stage) -> list[str]:
    """Everything in the scratch space."""
    return sorted(_entries(stage.farm.state.scratch))


def _entries(scratch: Path) -> Iterator[str]:
    for folder in (JOBS_FOLDER, LEAVING_FOLDER, TRASH_FOLDER):
        yield from (f"{folder}/{path.name}" for path in (scratch / folder).glob("*"))


def age_and_clean(stage: Stage, job_ids: Sequence[str]) -> dict[str, object]:
    """Take the farm past the scratch space's time to live, and run the deployed janitor; its report.

    Its clock is the real one, so everything else is made older: the moments on the ended jobs' records
    and those of the folders.
    """
    function = stage.farm.record.outputs["JanitorFunctionName"]
    deployed = stage.functions.get_function_configuration(FunctionName=function)
    settings = JanitorSettings.from_env(deployed["Environment"]["Variables"])
    then = datetime.now(UTC) - timedelta(hours=settings.scratch_ttl_hours + 1)
    for job_id in job_ids:
        stage.farm.farm.table.update_item(
            Key=job_key(job_id),
            UpdateExpression="SET updated_at = :then",
            ExpressionAttributeValues={":then": timestamp(then)},
        )
    for path in [*stage.farm.state.scratch.rglob("*")]:
        os.utime(path, (then.timestamp(), then.timestamp()), follow_symlinks=False)
    answer = stage.functions.invoke(FunctionName=function, Payload=b"{}")
    report = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise RuntimeError(f"the janitor failed: {report}")
    assert isinstance(report, dict)
    return report
