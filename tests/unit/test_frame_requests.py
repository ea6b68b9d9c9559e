"""How many objects a frame puts into the bucket, each at a price."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.agent import Agent, agent_in, rendering, task
from worker_agent.outcome import Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def puts_of(agent: Agent) -> Counter[str]:
    """Of all that is put from now on: how many objects in which folder of the job's output."""
    put: Counter[str] = Counter()

    def count(params: dict[str, Any], **_: object) -> None:
        put[params["Key"].split("/")[3]] += 1

    agent.aws.s3.meta.events.register("provide-client-params.s3.PutObject", count)
    return put


def test_a_frame_on_its_own_takes_three(agent: Agent) -> None:
    rendering(agent)
    put = puts_of(agent)
    assert isinstance(agent.render(task("1"), agent.lease()), Settled)
    assert put == {"frames": 1, "logs": 1, "proxies": 1}
