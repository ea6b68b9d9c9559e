"""What a drained agent says to its group, and when it works again."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from farm.local.machines import CompletedAction
from farm.local.metadata import MetadataServer
from tests.unit.test_departure import REBALANCE, SCALE_IN, SPOT, STOP, Clock
from worker_agent.interruptions import farewell as farewell_module
from worker_agent.interruptions.departure import Departure, Interruption, Notice
from worker_agent.interruptions.farewell import RETURN_SECONDS, Farewell, TerminationHook

WORKER = "local-1"
WORD = CompletedAction(worker_id=WORKER, hook="give-work-back", group="workers", result="CONTINUE")


class Drained:
    """A drained agent, its group's real API, and a clock."""

    def __init__(self, server: MetadataServer) -> None:
        self.server = server
        self.clock = Clock()
        self.departure = Departure(self.clock)
        server.endpoint_for(WORKER)
        autoscaling = boto3.client(
            "autoscaling",
            endpoint_url=server.autoscaling_endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        hook = TerminationHook(autoscaling, group="workers", instance_id=WORKER)
        self.farewell = Farewell(self.departure, hook, self.clock)

    def hear(self, kind: Interruption, name: str = "") -> None:
        self.departure.announce(Notice(kind=kind, seconds=120, name=name))
        if kind is SCALE_IN:
            self.server.terminate(WORKER)

    def look(self, times: int = 1, seconds: float = 1) -> None:
        for _ in range(times):
            self.farewell.step(self.departure.announcements)
            self.clock.now += seconds


@pytest.fixture
def drained(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drained]:
    monkeypatch.setattr(farewell_module, "LOOK_SECONDS", 0)
    server = MetadataServer()
    server.start()
    yield Drained(server)
    server.stop()


def test_the_hook_is_completed_exactly_once(drained: Drained) -> None:
    drained.hear(SPOT)
    drained.look(3)
    assert drained.server.completed == [], "nobody waits for a word"
    drained.hear(SCALE_IN)
    drained.look(200)
    drained.hear(STOP)
    drained.farewell.end()
    assert (drained.server.completed, drained.server.machines.refused) == ([WORD], [])


def test_it_is_tried_until_it_is_done_and_not_in_haste(drained: Drained) -> None:
    drained.hear(SCALE_IN)
    drained.server.machines.remove(WORKER)  # refuses every call
    drained.look(60)
    assert 3 <= len(drained.server.machines.refused) <= 8
    drained.server.machines.add(WORKER)
    drained.server.terminate(WORKER)
    drained.look(60)
    assert drained.server.completed == [WORD]


def test_an_agent_that_is_stopped_says_its_word_first(drained: Drained) -> None:
    drained.hear(SCALE_IN)
    drained.hear(STOP)
    drained.farewell.end()
    assert drained.server.completed == [WORD]


def test_a_deploy_has_no_word_to_say(drained: Drained) -> None:
    drained.hear(STOP)
    drained.farewell.end()
    assert drained.server.completed == drained.server.machines.refused == []


def test_a_machine_that_nobody_takes_after_all_works_again(drained: Drained) -> None:
    drained.hear(REBALANCE, "1")
    drained.look(2, RETURN_SECONDS - 1)
    drained.hear(REBALANCE, "1")
    assert drained.departure.leaving
    drained.look()
    assert not drained.departure.leaving
    drained.hear(REBALANCE, "1")
    assert not drained.departure.leaving, "the same notice is still there to be read"
    drained.hear(REBALANCE, "2")
    drained.look(2, RETURN_SECONDS - 1)
    assert drained.departure.leaving, "the ten minutes begin anew"


@pytest.mark.parametrize("kind", [SPOT, SCALE_IN])
def test_what_follows_a_rebalance_recommendation_is_final(drained: Drained, kind: Interruption) -> None:
    drained.hear(REBALANCE)
    drained.look()
    drained.hear(kind)
    drained.look(20, 600)
    assert drained.departure.kind is kind
