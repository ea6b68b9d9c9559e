"""The agent's log in an emulated CloudWatch, and beside one that hangs."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.support.emulator import AwsClients, an_emulator
from worker_agent.services.clients import ONE_TRY
from worker_agent.telemetry.cloud_log import END_SECONDS, MOST_WAITING, CloudLog

GROUP, WORKER = "/farm/workers", "i-0123456789abcdef0"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with an_emulator(tmp_path_factory.mktemp("emulator")) as endpoint:
        yield endpoint


def said(logs: Any) -> list[str]:
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=WORKER, startFromHead=True)["events"]
    return [event["message"] for event in events]


def test_lines_arrive_in_the_workers_stream_of_the_group_that_is_there(endpoint: str) -> None:
    logs = AwsClients(endpoint).client("logs")
    logs.create_log_group(logGroupName=GROUP)
    handler: logging.Handler = CloudLog(logs, group=GROUP, stream=WORKER)
    logger = logging.Logger("worker_agent.loop")
    logger.addHandler(handler)
    logger.info("frame %d is done", 7)
    try:
        raise RuntimeError("no space")
    except RuntimeError:
        logger.exception("could not work")
    handler.flush()
    first, second = said(logs)
    assert first == "INFO worker_agent.loop: frame 7 is done"
    assert second.startswith("ERROR worker_agent.loop: could not work\nTraceback")
    assert second.endswith("RuntimeError: no space")
    logger.info("the last")
    handler.close()
    assert said(logs)[2:] == ["INFO worker_agent.loop: the last"], "the agent's end sends what waits"


@pytest.mark.filterwarnings("ignore::watchtower.WatchtowerWarning")  # of the lines that are lost
def test_a_service_that_hangs_holds_up_nobody_and_fills_no_memory() -> None:
    deaf = socket.create_server(("127.0.0.1", 0), backlog=100)  # takes connections, and never answers
    client = boto3.Session("a", "b", region_name="us-east-1").client(
        "logs", endpoint_url=f"http://127.0.0.1:{deaf.getsockname()[1]}", config=ONE_TRY
    )
    log = CloudLog(client, group=GROUP, stream=WORKER)
    handler: logging.Handler = log
    logger = logging.Logger("worker_agent.loop")
    logger.addHandler(handler)
    logger.info("the first")
    log.queues[WORKER].put(log.FLUSH)  # from here on its thread hangs in a call
    began = time.monotonic()
    for number in range(3 * MOST_WAITING):
        logger.info("line %d", number)
    assert time.monotonic() - began < 5
    assert MOST_WAITING / 2 < log.waiting <= MOST_WAITING + 1
    ended = time.monotonic()
    handler.close()
    assert time.monotonic() - ended < END_SECONDS + 1
    deaf.close()
    for thread in log.threads:
        thread.join(30)
        assert not thread.is_alive()
