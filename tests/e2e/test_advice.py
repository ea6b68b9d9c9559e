"""`farm doctor` and `farm estimate` beside a real laptop farm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from tests.e2e.laptop import LaptopFarm

FRAME_SECONDS = 2.0
"""Cycles' time limit in the scene: so long does a frame take on any machine, and a little more."""


@pytest.fixture(scope="module")
def timed_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight frames of a fixed length."""
    path = tmp_path_factory.mktemp("timed") / "timed.blend"
    program = Path(__file__).with_name("small_scene.py")
    env = {**os.environ, "FRAME_SECONDS": str(FRAME_SECONDS)}
    subprocess.run([sys.executable, str(program), str(path)], check=True, env=env, timeout=120)
    return path


def answer(farm: LaptopFarm, *arguments: str, status: int = 0) -> Any:
    """The JSON that a command prints."""
    code, said = farm.call("--farm", "local", *arguments, "--json")
    assert code == status, said
    return json.loads(said.splitlines()[-1])


def held_up() -> float:
    """How many times as long anything takes here for what else runs: 1 on a computer that is ours alone."""
    return max(1.0, max(os.getloadavg()) / (os.cpu_count() or 1))


def test_the_doctor_finds_a_farm_well(laptop: LaptopFarm) -> None:
    found = answer(laptop, "doctor")
    assert found["well"]
    levels = {check["check"]: check["level"] for check in found["checks"]}
    for name in ("farm", "stacks", "version", "bucket", "table", "queues", "uploads", "processes"):
        assert levels[name] == "well", found
    assert "broken" not in levels.values()


def test_the_doctor_says_that_there_is_no_farm(folder: LaptopFarm) -> None:
    code, said = folder.call("--farm", "local", "doctor")
    assert code == 1
    assert "✗ farm" in said
    assert "`farm local up`" in said


def test_an_estimate_holds_what_the_job_takes(laptop: LaptopFarm, timed_scene: Path) -> None:
    """First by frames that are tried, then by the job itself."""
    before = answer(laptop, "estimate", str(timed_scene), "--frames", "1-3", "--tries", "2")
    assert (before["frames"], before["basis"], before["dollars"]) == (3, "tried frames", None)
    job_id = laptop.upload(timed_scene, "timed/timed.blend", {"frames": "1-3"})
    job = laptop.wait(job_id, seconds=300)
    times_as_long = held_up()
    seconds = [record.seconds for record in laptop.farm.records.frames(job_id, range(job.shards))]
    assert min(seconds) >= FRAME_SECONDS
    span = before["seconds_per_frame"]
    assert span["low"] <= 1.5 * FRAME_SECONDS <= 1.5 * span["high"], before
    assert span["low"] <= fmean(seconds), (before, seconds)
    assert min(seconds) <= span["high"] * times_as_long, (before, seconds)
    assert span["high"] < 5 * FRAME_SECONDS

    after = answer(laptop, "estimate", str(timed_scene), "--frames", "1-6", "--hour-dollars", "3.6")
    assert (after["frames"], after["basis"]) == (6, "history")
    assert after["details"]["job_id"] == job_id
    assert after["seconds_per_frame"]["likely"] == pytest.approx(fmean(seconds), rel=0.01)
    assert after["dollars"]["likely"] == pytest.approx(after["machine_seconds"]["likely"] / 1000, abs=0.001)
