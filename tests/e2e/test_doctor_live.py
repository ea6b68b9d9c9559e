"""`farm doctor --live` on a laptop farm: real uploads, Lambdas, Blender; what the emulator lacks is said."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from contract.job import Job
from contract.lifecycle import TERMINATION_HOOK
from farm.control import cancel
from farm.doctor.live.examination import CHECKS
from farm.local import clients
from tests.e2e.laptop import LaptopFarm

OF_THE_FARM = ("FLEET", "SPEND#", "WORKERS#")
"""Partitions of what the farm says of itself, whatever renders: the month's sum, its machines' words."""
WELL = {
    "s3-event-names-the-upload",
    "sqs-given-back-at-once",
    "sqs-counts-lag",
    "scaling-tracking-alarms",
    "scaling-termination-hook",
    "lambda-in-vpc",
    "cloudwatch-logs-kept",
    "cloudwatch-measures-arrive",
    "ec2-machine-renders",
    "cloudwatch-widget",
}
"""What a laptop farm shows, whoever else is at work on it."""
NOT_THERE = {
    "ec2-metadata-by-token": "InvalidInstanceID",
    "s3-refuses-plain-http": "without TLS",
    "sqs-refuses-plain-http": "without TLS",
    "dynamodb-refuses-plain-http": "without TLS",
    "dynamodb-transaction-conflict": "none of 200",
    "ec2-image-parameter": "by id",
    "ec2-start-time": "InvalidInstanceID",
    "run-price": "price",
}
"""What it cannot, and the reason that is given."""


@dataclass(frozen=True)
class Contents:
    """Everything that a run may leave something in."""

    objects: Counter[str]
    records: Counter[str]
    messages: dict[str, int]
    queues: tuple[str, ...]


def words_of_machines(farm: LaptopFarm) -> tuple[set[str], set[str]]:
    """The log streams and the records of all workers that there were."""
    logs = clients.clients_of(farm.record.endpoint).client("logs")
    streams = logs.describe_log_streams(logGroupName=farm.record.outputs["WorkerLogGroupName"])["logStreams"]
    items: list[Any] = farm.farm.table.scan(ConsistentRead=True)["Items"]
    workers = {str(item["sk"]) for item in items if str(item["pk"]).startswith("WORKERS#")}
    return {stream["logStreamName"] for stream in streams}, workers


def contents(farm: LaptopFarm) -> Contents:
    pages = farm.farm.s3.get_paginator("list_object_versions").paginate(Bucket=farm.farm.bucket)
    items: list[Any] = farm.farm.table.scan(ConsistentRead=True)["Items"]
    return Contents(
        objects=Counter(
            each["Key"]
            for page in pages
            for each in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ),
        records=Counter(
            f"{item['pk']} {item['sk']}" for item in items if not str(item["pk"]).startswith(OF_THE_FARM)
        ),
        messages=farm.messages(),
        queues=tuple(sorted(farm.farm.sqs.list_queues().get("QueueUrls", []))),
    )


@pytest.fixture
def untouched(laptop: LaptopFarm) -> Iterator[LaptopFarm]:
    """A farm that holds exactly what it held before, when the test is over."""
    before = contents(laptop)
    yield laptop
    assert contents(laptop) == before


def live_job(farm: LaptopFarm, state: str) -> Job:
    """The job of the run, once it has this state."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for job in farm.farm.records.unfinished_jobs():
            if job.project.startswith("live-check-") and job.state == state:
                return job
        time.sleep(0.05)
    raise AssertionError(f"no job is {state}\n{farm.logs()}")


def verdicts(said: str) -> dict[str, dict[str, Any]]:
    document = json.loads(said.splitlines()[-1])
    assert document["left"] == []
    return {verdict["assumption"]: verdict for verdict in document["verdicts"]}


def test_three_frames_are_rendered_all_is_told_and_nothing_stays(untouched: LaptopFarm) -> None:
    said_before = words_of_machines(untouched)
    code, said = untouched.call("--farm", "local", "doctor", "--live", "--yes", "--json")
    assert code == 0, said
    assert "ten minutes at most" in said
    found = verdicts(said)
    assert list(found) == list(CHECKS)
    assert {name: each for name, each in found.items() if name in WELL and each["ruling"] != "ok"} == {}
    assert "3 frames by Blender" in found["ec2-machine-renders"]["words"]
    for name, why in NOT_THERE.items():
        assert found[name]["ruling"] == "could not be tried", found[name]
        assert why in found[name]["words"] or "no new machine" in found[name]["words"]
    if found["scaling-ends-itself"]["ruling"] == "ok":  # nobody else was at work
        assert words_of_machines(untouched) == said_before


def test_ctrl_c_while_it_renders_leaves_nothing(untouched: LaptopFarm) -> None:
    with untouched.command("--farm", "local", "doctor", "--live", "--yes") as process:
        job = live_job(untouched, "BAKING")
        assert process.stdout
        before = ""
        while "✓ s3-event-names-the-upload" not in before:
            line = process.stdout.readline()
            assert line, f"it ended before it had seen its upload: {before}"
            before += line
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert untouched.farm.records.job(job.job_id) is None


def test_what_is_not_so_is_said_and_fails(untouched: LaptopFarm) -> None:
    """The group's hook is taken away, and somebody cancels the job."""
    scaling = clients.scaling(untouched.record.endpoint)
    group = untouched.record.outputs["WorkerGroupName"]
    (hook,) = scaling.describe_lifecycle_hooks(AutoScalingGroupName=group)["LifecycleHooks"]
    scaling.delete_lifecycle_hook(AutoScalingGroupName=group, LifecycleHookName=TERMINATION_HOOK)
    try:
        with untouched.command("--farm", "local", "doctor", "--live", "--yes") as process:
            cancel(untouched.farm, live_job(untouched, "QUEUED").job_id)
            said, _ = process.communicate(timeout=120)
    finally:
        scaling.put_lifecycle_hook(
            AutoScalingGroupName=group,
            LifecycleHookName=TERMINATION_HOOK,
            LifecycleTransition=hook["LifecycleTransition"],
            HeartbeatTimeout=hook["HeartbeatTimeout"],
            DefaultResult=hook["DefaultResult"],
        )
    assert process.returncode == 1, said
    assert f"✗ scaling-termination-hook       not so: the group has no hook {TERMINATION_HOOK}" in said
    assert "✗ ec2-machine-renders            not so: the job is CANCELED: canceled on request" in said
    assert "2 not so" in said


def test_nobody_who_cannot_be_asked_pays(untouched: LaptopFarm) -> None:
    for arguments, why in (
        (["--live"], "`--yes` agrees to it"),
        (["--live", "--json"], "`--yes` agrees to it"),
        (["--yes"], "--yes goes with --live"),
    ):
        code, said = untouched.call("--farm", "local", "doctor", *arguments)
        assert (code, why in said) == (2, True), said
