"""A real agent learns that another version is deployed: what it has begun is done, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import ceil

import pytest

from contract.boot import fleet_version_key
from contract.fleet_version import FleetVersion
from contract.job import FrameState
from tests.faults.interrupted_agent import VERSION_OF_WORKER, Cloud, an_agent

AT_ONCE = (
    "-c",
    "import sys; from worker_agent.scale_in import succession;"
    " succession.ASK_SECONDS = 0.3; succession.SPREAD_SECONDS = 0.0;"
    " from worker_agent.__main__ import main; sys.exit(main())",
)
"""The agent as it is, in more of a hurry."""


@pytest.fixture(autouse=True)
def nothing_said(cloud: Cloud) -> Iterator[None]:
    yield
    cloud.aws.dynamodb.delete_item(TableName=cloud.aws.job_table_name, Key=fleet_version_key())


def deploy(cloud: Cloud, version: str, *, ago_seconds: float = 0) -> None:
    """As the measure says it after a deploy; not in the second in which a machine was launched."""
    said = FleetVersion(
        worker_version=version, deploy_version="deploy-2", since=ceil(time.time() - ago_seconds)
    )
    cloud.aws.dynamodb.put_item(TableName=cloud.aws.job_table_name, Item=said.to_item())


def test_the_frame_is_done_and_the_next_ones_are_the_new_machines(cloud: Cloud) -> None:
    with an_agent(cloud, {"1": 3}, program=AT_ONCE) as agent:
        agent.render("1")
        agent.until(lambda: agent.has_begun("1"))
        for frame in "23":
            agent.render(frame)
        deploy(cloud, "worker-2")
        agent.until(lambda: cloud.metadata.completed)
        record = agent.frame(1)
        assert record
        assert (record.state, record.interruptions) == (FrameState.DONE, 0)
        assert (agent.has_begun("2"), agent.is_held(), agent.waits_for_a_worker()) == (False, False, True)
        assert (
            "another version is deployed: this machine ends, and one of that version" in agent.log.read_text()
        )
        assert agent.end() == 0


def test_neither_the_same_version_nor_one_said_before_the_machines_launch_ends_it(cloud: Cloud) -> None:
    deploy(cloud, "worker-2", ago_seconds=5)  # and the template still gives worker-1: half a deploy
    with an_agent(cloud, {}, program=AT_ONCE) as agent:
        agent.render("1")
        agent.until(lambda: agent.frame(1))
        deploy(cloud, VERSION_OF_WORKER)
        time.sleep(1)  # it asks three times
        agent.render("2")
        agent.until(lambda: agent.frame(2))
        assert "another version" not in agent.log.read_text()
        assert agent.end() == 0
