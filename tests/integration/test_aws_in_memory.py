"""The services in memory and the emulator are asked for the same by an agent, in the same order."""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any, Final
from unittest import mock

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest

from bench.aws_in_memory import Latencies, Services
from bench.aws_in_memory.occasions import FRAMES, occasion
from bench.scale.fleet import METRICS_LOG_GROUP, Names, a_fleet, session_of
from bench.scale.job import BLEND, JOB_ID, SOURCE, RenderedJob, queued_job
from bench.scale.waiting import wait_until
from contract.table import counter_key, job_key
from contract.tasks import BakeTask, encode
from tests.support.aws_edges import aws_edges_at
from tests.support.emulator import an_emulator
from tests.support.synthesized import REGION
from worker_agent.tasks.task_queue import TaskQueue

FRAME_COUNT: Final = 20
AT_WORK: Final[dict[str, Any]] = {"frame_seconds": 0.02, "told_seconds": 60.0, "poll_seconds": 1}
"""Of long frames one is claimed at a time. How many quick ones are depends on how quick the services are."""
TRANSACTION: Final = "TransactWriteItems"
LOOK_FOR_THE_END: Final = "dynamodb.GetItem of a counter"
_OF_A_FRAME: Final = re.compile(r"FRAME#0*(\d+)|[/-]0*(\d+)\.(?:png|jpg|log)")


class Calls:
    """What an agent asks of its services for its tasks, in its order; what goes with time is left out."""

    def __init__(self, session: botocore.session.Session) -> None:
        self._lock = threading.Lock()
        self.of_frames: dict[str, list[str]] = {}
        """Of requests that name one frame, by that frame."""
        self.others: Counter[str] = Counter()
        self._over = False
        session.register("before-send", self._note)  # type: ignore[arg-type]  # it answers nothing

    def end(self) -> None:
        """What an agent says as it stops is no frame's."""
        self._over = True

    def _note(self, request: AWSPreparedRequest, event_name: str, **more: object) -> None:
        _, service, operation = event_name.split(".")
        if self._over or occasion(service) != FRAMES:
            return
        body = request.body if isinstance(request.body, bytes) else b""
        named = _OF_A_FRAME.findall(f"{request.url} {body.decode('latin-1')}") if service != "sqs" else ()
        with self._lock:
            for frame in {"".join(groups) for groups in named}:
                calls = self.of_frames.setdefault(frame, [])
                # one that met another is made again, and in the emulator none meets any
                if operation != TRANSACTION or calls[-1:] != [f"{service}.{TRANSACTION}"]:
                    calls.append(f"{service}.{operation}")
            if not named:
                looks = operation == "GetItem" and b'"COUNTER"' in body
                self.others[LOOK_FOR_THE_END if looks else f"{service}.{operation}"] += 1


def _in_memory(folder: Path) -> Calls:
    services, names = Services(Latencies.none()), Names()
    job = RenderedJob(services, names, FRAME_COUNT)
    session = session_of(services)
    calls = Calls(session)
    with a_fleet(folder, session, names, **AT_WORK) as fleet:
        fleet.add()
        wait_until(lambda: job.frames_are_sent, seconds=30)
        job.keep_open()
        render = names.render_queue_url
        wait_until(lambda: job.frames_done == FRAME_COUNT and not services.queues.hidden(render), seconds=60)
        calls.end()
    return calls


def _in_the_emulator(endpoint: str, folder: Path) -> Calls:
    aws = aws_edges_at(endpoint)
    names = Names(**{field.name: getattr(aws, field.name) for field in fields(Names)})
    version = aws.s3.put_object(Bucket=names.render_bucket_name, Key=SOURCE, Body=BLEND)["VersionId"]
    aws.dynamodb.put_item(TableName=names.job_table_name, Item=queued_job(names, FRAME_COUNT, version))
    aws.sqs.send_message(QueueUrl=names.bake_queue_url, MessageBody=encode(BakeTask(JOB_ID)))

    def item(key: dict[str, str]) -> dict[str, Any]:
        answer = aws.dynamodb.get_item(TableName=names.job_table_name, Key=key)
        found: dict[str, Any] = answer.get("Item", {})
        return found

    session = botocore.session.Session()
    session.set_credentials("test", "test")
    session.set_config_variable("region", REGION)
    calls = Calls(session)
    logs: Any = session.create_client("logs")
    logs.create_log_group(logGroupName=METRICS_LOG_GROUP)
    with a_fleet(folder, session, names, **AT_WORK) as fleet:
        fleet.add()
        wait_until(lambda: bool(item(job_key(JOB_ID))["frames_sent_at"]), seconds=30)
        aws.dynamodb.update_item(
            TableName=names.job_table_name,
            Key=counter_key(JOB_ID, 0),
            UpdateExpression="ADD #total :one",  # as RenderedJob.keep_open does
            ExpressionAttributeNames={"#total": "total"},
            ExpressionAttributeValues={":one": 1},
        )
        queue = TaskQueue(aws.sqs, names.render_queue_url)
        wait_until(
            lambda: item(counter_key(JOB_ID, 0)).get("done") == FRAME_COUNT and not queue.tasks(), seconds=60
        )
        calls.end()
    return calls


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Calls, Calls]:
    """What was asked of the services in memory, and of the emulator."""
    folder = tmp_path_factory.mktemp("agents")
    ours = _in_memory(folder / "in-memory")
    with (
        an_emulator(folder / "emulator") as endpoint,
        mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": endpoint}),
    ):
        theirs = _in_the_emulator(endpoint, folder / "beside-the-emulator")
    return ours, theirs


def test_every_frame_asks_the_same_in_the_same_order(both: tuple[Calls, Calls]) -> None:
    ours, theirs = both
    assert set(ours.of_frames) == {str(frame) for frame in range(1, FRAME_COUNT + 1)}
    assert ours.of_frames == theirs.of_frames


def test_the_rest_is_asked_for_as_often(both: tuple[Calls, Calls]) -> None:
    """But for looks at queues, of which there are the more the longer an agent waits, and for looks whether
    the job has ended: there is none after a frame while the next is in hand."""
    ours, theirs = both
    assert ours.others.keys() == theirs.others.keys()
    for call in ours.others.keys() - {"sqs.ReceiveMessage", LOOK_FOR_THE_END}:
        assert ours.others[call] == theirs.others[call], call
    for calls in both:
        assert 1 <= calls.others[LOOK_FOR_THE_END] <= FRAME_COUNT
