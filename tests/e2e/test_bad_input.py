"""What cannot be rendered ends in a plain reason, never in a crash or a message that circles."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contract.job import JobState
from farm.local import agents, clients
from tests.e2e.laptop import LaptopFarm


@dataclass(frozen=True)
class Bad:
    name: str
    says: str
    metadata: dict[str, str] = field(default_factory=dict)
    content: Callable[[bytes], bytes] = bytes


BAD = [
    Bad("zero bytes", "empty", content=lambda _: b""),
    Bad("truncated", "incomplete", content=lambda scene: scene[: len(scene) // 3]),
    Bad("a text file", "not a Blender file", content=lambda _: b"Dear farm, please render my film.\n" * 100),
    Bad("range 10 to 1", "start_frame 10 is after end_frame 1", {"start_frame": "10", "end_frame": "1"}),
    Bad("range abc", "abc", {"frames": "abc"}),
    Bad("a million frames", "100000", {"frames": "1-1000000"}),
    Bad("unknown option", "sampels", {"sampels": "8"}),
    Bad("no such scene", "Nowhere", {"scene": "Nowhere", "frames": "1"}),
    Bad("no such camera", "Nobody", {"camera": "Nobody", "frames": "1"}),
]


@pytest.fixture(scope="module")
def jobs(laptop: LaptopFarm, scene: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All of them uploaded at once: the farm sorts them out."""
    file = tmp_path_factory.mktemp("bad") / "scene.blend"
    found = {}
    for bad in BAD:
        file.write_bytes(bad.content(scene.read_bytes()))
        found[bad.name] = laptop.upload(file, f"bad/{bad.name}.blend", bad.metadata)
    return found


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_upload_fails_with_a_plain_reason(laptop: LaptopFarm, jobs: dict[str, str], bad: Bad) -> None:
    job = laptop.wait(jobs[bad.name])
    assert job.state is JobState.FAILED
    assert bad.says.lower() in job.reason.lower()
    assert "Traceback" not in job.reason
    assert len(job.reason) < 600
    assert laptop.frames(job) == {}


def test_the_command_refuses_what_it_can_refuse_at_once(laptop: LaptopFarm, scene: Path) -> None:
    for options, says in ((("--frames", "abc"), "abc"), (("--samples", "0"), "samples")):
        code, said = laptop.run("render", str(scene), *options)
        assert code == 2
        assert says in said


def test_an_upload_under_output_starts_no_job(laptop: LaptopFarm, scene: Path) -> None:
    ignored = laptop.upload(scene, "bad/output/scene.blend")
    after = laptop.upload(scene, "bad/after.blend", {"frames": "1"})
    assert laptop.wait(after).state is JobState.DONE
    assert laptop.farm.records.job(ignored) is None


def test_events_that_are_none_or_come_twice(laptop: LaptopFarm, scene: Path) -> None:
    job_id = laptop.upload(scene, "bad/once.blend", {"frames": "1"})
    job = laptop.wait(job_id)
    listener = _listener(laptop)
    bucket = laptop.farm.bucket
    again = {
        "eventName": "ObjectCreated:Put",
        "eventSource": "aws:s3",
        "s3": {
            "bucket": {"name": bucket},
            "object": {"key": "bad/once.blend", "versionId": job.source_version},
        },
    }
    for event in (
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": bucket},
        {"Records": [again, again]},
        {"Records": [again]},
    ):
        answer = clients.functions(laptop.record.endpoint).invoke(
            FunctionName=listener, Payload=json.dumps(event).encode()
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
    time.sleep(3)
    assert laptop.wait(job_id) == job


def test_no_message_is_left(laptop: LaptopFarm, jobs: dict[str, str]) -> None:
    for job_id in jobs.values():
        laptop.wait(job_id)
    deadline = time.monotonic() + 20
    while any(laptop.messages().values()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not any(laptop.messages().values()), laptop.messages()


def test_with_nothing_to_do_the_fleet_goes_back_to_zero(laptop: LaptopFarm, jobs: dict[str, str]) -> None:
    for job_id in jobs.values():
        laptop.wait(job_id)
    scaling = clients.scaling(laptop.record.endpoint)
    name = laptop.record.outputs["WorkerGroupName"]

    def desired() -> int:
        groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return groups[0]["DesiredCapacity"]

    deadline = time.monotonic() + 60
    while (desired() or list(laptop.state.work.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert desired() == 0
    assert agents.running(laptop.state) == []
    assert list(laptop.state.work.iterdir()) == []


def _listener(laptop: LaptopFarm) -> str:
    answer: Any = laptop.farm.s3.get_bucket_notification_configuration(Bucket=laptop.farm.bucket)
    (listener,) = {c["LambdaFunctionArn"] for c in answer["LambdaFunctionConfigurations"]}
    return str(listener)
