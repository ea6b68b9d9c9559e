"""What the agent tells its keeper: a real agent, with a socket where systemd's would be."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from farm.local import emulator
from tests.faults.interrupted_agent import Cloud, InterruptedAgent, an_agent
from tests.support.listening_keeper import ListeningKeeper, a_keeper
from tests.support.synthesized import REGION
from worker_agent.host.service_manager import SOCKET_VARIABLE
from worker_agent.watchdog import BEAT_SECONDS

LOG_GROUP = "/farm/workers"
LONG = 300.0
"""Seconds that a frame takes whose end no test waits for."""


def logs_at(endpoint: str) -> Any:
    """As the agent's own client is made."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    return session.client("logs", endpoint_url=endpoint)


@pytest.fixture(scope="module", autouse=True)
def log_group(cloud: Cloud) -> None:
    logs_at(cloud.endpoint).create_log_group(logGroupName=LOG_GROUP)


@contextmanager
def a_kept_agent(cloud: Cloud, folder: Path) -> Iterator[tuple[InterruptedAgent, ListeningKeeper]]:
    """It has said that it is ready; its first frame takes long."""
    with (
        a_keeper(folder) as keeper,
        an_agent(
            cloud,
            {"1": LONG},
            variables={SOCKET_VARIABLE: keeper.address, "FARM_LOG_GROUP_NAME": LOG_GROUP},
        ) as agent,
    ):
        agent.until(lambda: keeper.has_heard("READY=1"))
        yield agent, keeper


@contextmanager
def hanging(cloud: Cloud) -> Iterator[None]:
    """All services take calls, and answer none."""
    process = emulator.running(cloud.state)
    assert process
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def test_an_agent_is_ready_beats_says_that_it_stops_and_leaves_its_log(cloud: Cloud, tmp_path: Path) -> None:
    with a_kept_agent(cloud, tmp_path) as (agent, keeper):
        began = time.monotonic()
        agent.until(lambda: len(keeper.beats_since(began)) >= 2)
        assert not keeper.has_heard("STOPPING=1")
        assert agent.end() == 0
        assert keeper.has_heard("STOPPING=1")
        assert sum("READY=1" in said for _, said in keeper.heard) == 1
        events = logs_at(cloud.endpoint).get_log_events(
            logGroupName=LOG_GROUP, logStreamName=agent.worker_id
        )["events"]
    said = [event["message"] for event in events]
    assert said[-1] == f"INFO worker_agent: worker {agent.worker_id} has stopped"


def test_a_long_frame_is_not_taken_for_stuck(cloud: Cloud, tmp_path: Path) -> None:
    with a_kept_agent(cloud, tmp_path) as (agent, keeper):
        agent.render("1")
        agent.until(lambda: agent.has_begun("1"))
        began = time.monotonic()
        agent.until(lambda: len(keeper.beats_since(began + BEAT_SECONDS)) >= 1)
        assert agent.is_held()


def test_an_agent_whose_call_is_never_answered_is_silent_until_it_is(cloud: Cloud, tmp_path: Path) -> None:
    with a_kept_agent(cloud, tmp_path) as (agent, keeper):
        with hanging(cloud):
            hung = time.monotonic()
            time.sleep(2)
            last = max(keeper.beats_since(0))
            time.sleep(2 * BEAT_SECONDS)
            assert keeper.beats_since(last + 0.1) == [], "its lease watch alone is no agent"
            assert last < hung + 2
        agent.until(lambda: keeper.beats_since(time.monotonic() - 1))


def test_a_stuck_agent_that_its_keeper_ends_tells_what_every_thread_was_at(
    cloud: Cloud, tmp_path: Path
) -> None:
    with a_kept_agent(cloud, tmp_path) as (agent, _), hanging(cloud):
        time.sleep(1)
        agent.process.send_signal(signal.SIGABRT)
        assert agent.process.wait(10) == -signal.SIGABRT
        said = agent.log.read_text()
    assert "in receive_many\n" in said.partition("Fatal Python error: Aborted")[2]
    assert "worker_agent/tasks/lease.py" in said.partition("Fatal Python error: Aborted")[2]
