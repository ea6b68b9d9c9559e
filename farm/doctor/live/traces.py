"""Takes away what a run has made: objects, records, messages, its queue; also after Ctrl-C.

What the farm says of itself stays as after any job: its functions' logs, and the month's sum, for the money
is spent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from contract.job import Job, JobState
from contract.keys import small_pictures_prefix
from contract.table import PARTITION_KEY, SORT_KEY, job_key, shard_partition
from contract.tasks import TaskError, decode
from farm.control import RefusedError, cancel
from farm.doctor.live import machine_traces
from farm.doctor.live.checks.records import test_key
from farm.doctor.live.live_run import LiveRun

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

LET_GO_SECONDS: Final = 40.0
"""Workers let a canceled job go within a quarter of a lease: 30 s on AWS."""
HEARD_SECONDS: Final = 5.0
"""For an upload that is taken away as its event is on its way."""
_QUEUES: Final = ("BakeQueueUrl", "RenderQueueUrl", "UrgentQueueUrl", "DeadLetterQueueUrl")
_COUNTS: Final[tuple[QueueAttributeNameType, ...]] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
)
_BATCH: Final = 1000


def remove(run: LiveRun) -> list[str]:
    """Take everything away, each for itself; in words what could not be."""
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("the job is not stopped", lambda: _stop(run)),
        (f"s3://{run.farm.outputs['RenderBucketName']}/{run.project}/ stays", lambda: _objects(run)),
        (f"the records of job {run.job_id} stay", lambda: _records(run)),
        (f"the item {test_key(run.run_id)[PARTITION_KEY]} stays", lambda: _test_item(run)),
        (f"the queue {run.queue_name} stays", lambda: _queue(run)),
        ("the log streams of its machines stay", lambda: machine_traces.take_away(run)),
        # once more: a worker may have been in the middle of a file
        (f"s3://{run.farm.outputs['RenderBucketName']}/{run.project}/ stays", lambda: _objects(run)),
    )
    left = []
    for words, step in steps:
        try:
            step()
        except Exception as error:  # whatever it is: the rest can be taken away all the same
            left.append(f"{words}: {str(error).splitlines()[0][:200] if str(error) else error!r}")
    return left


def _stop(run: LiveRun) -> None:
    """Nobody works on the job any more, and no message of it is left."""
    if not run.job_id:
        return
    job = run.job()
    if job is None:
        _objects(run)  # an event that comes now finds nothing
        job = run.wait_after(HEARD_SECONDS, run.job)
    if job is None or job.state is JobState.DONE:
        return
    try:
        cancel(run.farm.farm, run.job_id)
    except RefusedError:  # it has ended, or does just now
        run.wait_after(LET_GO_SECONDS, lambda: _ended(run.job()))
    _messages(run)
    run.wait_after(LET_GO_SECONDS, lambda: not (_held(run) or _tasks(run)) or None)


def _ended(job: Job | None) -> bool | None:
    return job is None or job.state.ended or None


def _held(run: LiveRun) -> bool:
    """Whether a worker says that it is at work on it."""
    now = int(datetime.now(UTC).timestamp())
    return any(worker.job_id == run.job_id for worker in run.farm.records.workers(now))


def _tasks(run: LiveRun) -> int:
    """On all queues, of whatever job: beside others' the time alone says that this one's are gone."""
    total = 0
    for url in _urls(run):
        answer = run.farm.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[*_COUNTS])
        total += sum(int(answer["Attributes"][name]) for name in _COUNTS)
    return total


def _urls(run: LiveRun) -> list[str]:
    return [run.farm.outputs[name] for name in _QUEUES if name in run.farm.outputs]


def _messages(run: LiveRun) -> None:
    """Those of the job that no worker has taken. Others' are given back at once."""
    sqs = run.farm.clients.sqs
    for url in _urls(run):
        received = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=10, WaitTimeSeconds=1
        )
        for message in received.get("Messages", []):
            receipt = message["ReceiptHandle"]
            if _job_of(message["Body"]) == run.job_id:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
            else:
                sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)


def _job_of(body: str) -> str:
    try:
        return decode(body).job_id
    except TaskError:
        return ""


def _objects(run: LiveRun) -> None:
    """Every version of all that lies in the run's folder, and of its job's small pictures."""
    prefixes = [f"{run.project}/", *([small_pictures_prefix(run.job_id)] if run.job_id else [])]
    for prefix in prefixes:
        _objects_under(run, prefix)


def _objects_under(run: LiveRun, prefix: str) -> None:
    s3, bucket = run.farm.clients.s3, run.farm.outputs["RenderBucketName"]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    found: list[Any] = [
        {"Key": each["Key"], "VersionId": each["VersionId"]}
        for page in pages
        for each in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    ]
    for first in range(0, len(found), _BATCH):
        batch = found[first : first + _BATCH]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        for error in answer.get("Errors", []):
            raise OSError(f"{error.get('Key')}: {error.get('Message')}")


def _records(run: LiveRun) -> None:
    """The job, its frames and its counters."""
    if not run.job_id:
        return
    dynamodb, table = run.farm.clients.dynamodb.meta.client, run.farm.outputs["JobTableName"]
    job = run.job()
    for shard in range(max(1, job.shards if job else 1)):
        for key in _keys(dynamodb, table, shard_partition(run.job_id, shard)):
            dynamodb.delete_item(TableName=table, Key=key)
    dynamodb.delete_item(TableName=table, Key=job_key(run.job_id))


def _keys(dynamodb: Any, table: str, partition: str) -> Iterator[dict[str, str]]:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression=f"{PARTITION_KEY} = :partition",
        ExpressionAttributeValues={":partition": partition},
        ConsistentRead=True,
    )
    for page in pages:
        yield from ({name: item[name] for name in (PARTITION_KEY, SORT_KEY)} for item in page["Items"])


def _test_item(run: LiveRun) -> None:
    run.farm.clients.dynamodb.meta.client.delete_item(
        TableName=run.farm.outputs["JobTableName"], Key=test_key(run.run_id)
    )


def _queue(run: LiveRun) -> None:
    sqs = run.farm.clients.sqs
    for url in sqs.list_queues(QueueNamePrefix=run.queue_name).get("QueueUrls", []):
        sqs.delete_queue(QueueUrl=url)
