"""Verdicts of `python -m bench.scale`, and queues that give a share."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from bench.aws_in_memory import Latencies, Services
from bench.scale.__main__ import SIZES
from bench.scale.bounds import throughput, verdicts
from bench.scale.fleet import session_of

QUEUE = "https://sqs.us-east-1.amazonaws.com/1/q"
HELD: dict[str, Any] = {
    "control_dollars_per_1000": 0.0045,
    "object_dollars_per_1000": 0.0147,
    "preview_dollars_per_1000": 0.0004,
    "time_dollars_per_1000": 0.00005,
    "world_seconds": 61.0,
    "speed": 2.0,
    "frames_queued": 10_000,
    "fan_out_calls": 1_100,
}


def said(**other: object) -> list[str]:
    return [line.rpartition(": ")[2] for line in verdicts({**HELD, **other})]


@pytest.mark.parametrize(
    ("other", "broken"),
    [
        ({}, ()),
        ({"fan_out_calls": 1_101}, (4,)),
        ({"preview_dollars_per_1000": 0.0009}, (2, 3)),
        ({"time_dollars_per_1000": 0.013}, (1, 3)),
        ({"control_dollars_per_1000": 0.00501, "object_dollars_per_1000": 0.01}, (0, 1)),
    ],
)
def test_each_bound_has_a_verdict(other: dict[str, Any], broken: tuple[int, ...]) -> None:
    assert said(**other) == ["NOT OK" if n in broken else "ok" for n in range(5)]


def test_what_comes_once_a_minute_has_no_verdict_in_less() -> None:
    lines = list(verdicts({**HELD, "world_seconds": 59.0}))
    assert len(lines) == 4 and "not measured" in lines[2]


@pytest.mark.parametrize(("many", "says"), [(95, "ok"), (94.9, "NOT OK")])
def test_a_thousand_agents_are_held_beside_ten(many: float, says: str) -> None:
    few = {"agents": 10, "speed": 0.1, "frames_an_hour_of_an_agent": 100.0}
    assert throughput([few, {**few, "agents": 1000, "frames_an_hour_of_an_agent": many}]).endswith(says)
    assert "clocks differ" in throughput([few, {**few, "agents": 1000, "speed": 0.2}])
    assert "not measured" in throughput([few])


def test_runs_that_are_compared_have_the_same_clocks() -> None:
    assert len({plan.speed for plan in SIZES if plan.agents in (10, 1000)}) == 1


def looks(*, share: bool, seconds: int) -> tuple[list[int], bool]:
    """How many of ten each of 50 looks finds in a full queue, and whether all came in order."""
    services = Services(Latencies.none(), share_on_short_polls=share)
    sqs = boto3.Session(botocore_session=session_of(services)).client("sqs")
    for number in range(600):
        services.queues.put(QUEUE, f"{number:03d}")
    asked: dict[str, Any] = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": seconds, "VisibilityTimeout": 60}
    found = [sqs.receive_message(QueueUrl=QUEUE, **asked).get("Messages", []) for _ in range(50)]
    bodies = [message["Body"] for each in found for message in each]
    assert len(set(bodies)) == len(bodies)
    return [len(each) for each in found], bodies == sorted(bodies)


def test_a_look_that_does_not_wait_may_find_a_share() -> None:
    assert looks(share=False, seconds=0) == ([10] * 50, True)
    assert looks(share=True, seconds=1) == ([10] * 50, True), "long polls ask all servers"
    counts, in_order = looks(share=True, seconds=0)
    assert set(counts) == set(range(11)) and not in_order
