"""What a worker learns of its own machine: against the laptop's metadata service, and EC2 under moto."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from farm.local.machines import IDENTITY
from farm.local.metadata import MetadataServer
from tests.support.timed_fleet import Time
from worker_agent.host.own_machine import ASK_AGAIN_SECONDS, MachineFacts, OwnMachine
from worker_agent.interruptions.metadata import MetadataClient
from worker_agent.services.clients import connect_ec2

WORKER = "i-1"


class Prices:
    """EC2, as far as it tells prices."""

    def __init__(self) -> None:
        self.now = "0.140000"
        self.asked: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def describe_spot_price_history(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if self.error:
            raise self.error
        old = datetime.now(UTC) - timedelta(days=1)
        history = [
            ("0.900000", old - timedelta(days=1)),
            (self.now, old),
            ("0.800000", old - timedelta(hours=1)),
        ]
        return {"SpotPriceHistory": [{"SpotPrice": price, "Timestamp": at} for price, at in history if price]}


@pytest.fixture
def server() -> Iterator[MetadataServer]:
    server = MetadataServer()
    server.start()
    yield server
    server.stop()


class Worker:
    def __init__(self, server: MetadataServer, hour_dollars: float | None = None, **is_what: str) -> None:
        self.time, self.prices = Time(1000.0), Prices()
        self.clients_made = 0
        endpoint = server.endpoint_for(WORKER)
        for path, value in is_what.items():
            server.machines._machines[WORKER].meta_data[path.replace("_", "-")] = value
        self.machine = OwnMachine(
            MetadataClient(endpoint), ec2=self._ec2, hour_dollars=hour_dollars, clock=self.time
        )

    def _ec2(self) -> Prices:
        self.clients_made += 1
        return self.prices

    def facts(self) -> MachineFacts:
        self.machine.ask_if_due()
        return self.machine.facts


def spot(server: MetadataServer, hour_dollars: float | None = None) -> Worker:
    return Worker(server, hour_dollars, instance_type="m6i.2xlarge", instance_life_cycle="spot")


def test_a_laptop_costs_what_its_owner_says(server: MetadataServer) -> None:
    worker = Worker(server, 0.25)
    assert worker.machine.facts.hour_microdollars == 250_000, "before anything is asked"
    facts = worker.facts()
    assert (facts.instance_type, facts.spot, facts.hour_microdollars) == ("laptop", False, 250_000)
    assert facts.zone[:-1]
    assert worker.clients_made == 0


def test_nothing_by_hand_is_a_price(server: MetadataServer) -> None:
    assert spot(server, 0.0).facts().hour_microdollars == 0


def test_on_demand_costs_what_the_list_says(server: MetadataServer) -> None:
    worker = Worker(server, instance_type="m6i.2xlarge")
    assert worker.facts().hour_microdollars == 384_000
    assert worker.clients_made == 0


def test_of_a_machine_on_no_list_nothing_is_known(server: MetadataServer) -> None:
    assert Worker(server, instance_type="g5.xlarge").facts().hour_microdollars == 0


def test_spot_costs_what_its_zone_asks_and_is_asked_each_hour(server: MetadataServer) -> None:
    worker = spot(server)
    facts = worker.facts()
    assert (facts.spot, facts.hour_microdollars) == (True, 140_000)
    (asked,) = worker.prices.asked
    assert (asked["InstanceTypes"], asked["AvailabilityZone"]) == (["m6i.2xlarge"], facts.zone)
    assert asked["ProductDescriptions"] == ["Linux/UNIX"]
    worker.prices.now = "0.150000"
    worker.time.now += ASK_AGAIN_SECONDS - 1
    assert worker.facts().hour_microdollars == 140_000
    worker.time.now += 1
    assert worker.facts().hour_microdollars == 150_000
    assert len(worker.prices.asked) == 2


def test_spot_that_cannot_be_asked_costs_what_the_list_says(
    server: MetadataServer, caplog: pytest.LogCaptureFixture
) -> None:
    worker = spot(server)
    worker.prices.error = ConnectionError("EC2 is away")
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            assert worker.facts().hour_microdollars == 384_000
            worker.time.now += 30
    assert 2 <= len(worker.prices.asked) < 15, "ever less"
    assert len(caplog.records) == 1
    worker.prices.error = None
    worker.time.now += ASK_AGAIN_SECONDS
    assert worker.facts().hour_microdollars == 140_000
    worker.prices.error = ConnectionError("away again")
    worker.time.now += ASK_AGAIN_SECONDS
    assert worker.facts().hour_microdollars == 140_000, "the last price that is known"


def test_ec2_takes_the_question(server: MetadataServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As botocore checks it: its answer is moto's, which is for no zone in particular."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        worker = spot(server)
        endpoint = server.endpoint_for(WORKER)
        machine = OwnMachine(MetadataClient(endpoint), ec2=connect_ec2, hour_dollars=None, clock=worker.time)
        machine.ask_if_due()
        assert machine.facts.hour_microdollars == 10, "moto says $0.00001 of everything"


def test_a_price_that_is_none_is_said_to_be_none(server: MetadataServer) -> None:
    worker = spot(server)
    worker.prices.describe_spot_price_history = lambda **_: {"SpotPriceHistory": []}  # type: ignore[method-assign]
    assert worker.facts().hour_microdollars == 384_000


def test_a_machine_that_is_told_nothing_is_asked_again(server: MetadataServer) -> None:
    worker = spot(server)
    server.stop()
    assert worker.facts() == MachineFacts()
    assert worker.prices.asked == []


def test_it_knows_when_it_was_launched(server: MetadataServer) -> None:
    began = time.time()
    worker = Worker(server)
    document = json.dumps({"pendingTime": "2026-11-30T08:22:00Z", "instanceId": WORKER})
    server.machines._machines[WORKER].meta_data[IDENTITY] = document
    assert began <= worker.machine.launched_at <= time.time(), "as long as it has not asked"
    worker.facts()
    assert worker.machine.launched_at == datetime(2026, 11, 30, 8, 22, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("document", [None, "", "no JSON", "[]", "{}", '{"pendingTime": 7}'])
def test_a_document_that_makes_no_sense_leaves_the_agents_start(
    server: MetadataServer, document: str | None
) -> None:
    worker = Worker(server)
    before = worker.machine.launched_at
    machine = server.machines._machines[WORKER]
    del machine.meta_data[IDENTITY]
    if document is not None:
        machine.meta_data[IDENTITY] = document
    worker.facts()
    assert worker.machine.launched_at == before
    machine.meta_data[IDENTITY] = '{"pendingTime": "2026-11-30T08:22:00Z"}'
    worker.time.now += ASK_AGAIN_SECONDS
    worker.facts()
    assert worker.machine.launched_at == datetime(2026, 11, 30, 8, 22, tzinfo=UTC).timestamp()


def test_a_laptops_machine_was_launched_when_its_agent_was(server: MetadataServer) -> None:
    began = time.time()
    worker = Worker(server)
    worker.facts()
    assert int(began) <= worker.machine.launched_at <= time.time()
