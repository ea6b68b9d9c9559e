"""Whether bucket, queues and table refuse who comes without TLS, as their policies say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from botocore.exceptions import ClientError

from farm.doctor.finding import error_code
from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Seen, not_so, not_tried, ok

TLS: Final = "https://"
_DENIED: Final = ("AccessDenied", "AccessDeniedException", "403")


def s3_refuses(run: LiveRun) -> Seen:
    bucket = run.farm.outputs["RenderBucketName"]
    return _refuses(run, "s3", lambda s3: s3.list_objects_v2(Bucket=bucket, MaxKeys=1))


def sqs_refuses(run: LiveRun) -> Seen:
    url = run.farm.outputs["RenderQueueUrl"]
    return _refuses(
        run, "sqs", lambda sqs: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    )


def dynamodb_refuses(run: LiveRun) -> Seen:
    table = run.farm.outputs["JobTableName"]
    return _refuses(run, "dynamodb", lambda dynamodb: dynamodb.describe_table(TableName=table))


def _refuses(run: LiveRun, service: str, ask: Callable[[Any], object]) -> Seen:
    """The same question both ways: these credentials may ask it, and without TLS they may not."""
    clients = run.farm.clients
    over_tls = clients.client(service)
    endpoint = over_tls.meta.endpoint_url
    if not endpoint.startswith(TLS):
        return not_tried(f"this farm is itself reached without TLS: {endpoint}")
    ask(over_tls)
    plain = replace(clients, endpoint="http://" + endpoint.removeprefix(TLS)).client(service)
    try:
        ask(plain)
    except ClientError as error:
        if error_code(error) in _DENIED:
            return ok(f"plain HTTP is refused: {error_code(error)}")
        raise
    return not_so("plain HTTP is answered")
