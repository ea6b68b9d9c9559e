"""What jobs cost, whose frames come first, what a budget holds: a farm of one agent, the real Blender."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from contract.job import Job, JobState
from contract.keys import summary_key
from contract.spend import Spend, month_of, spend_key
from contract.worker_record import WorkerRecord
from farm.control import cancel, release
from farm.local import clients
from tests.e2e.laptop import LaptopFarm, a_farm, keep_agents

T = TypeVar("T")

HOUR_DOLLARS = "3.6"
MICRODOLLARS_A_SECOND = 1_000
FRAME_SECONDS = "0.5"
MANY = 80
"""Frames of a job that go on waiting while another one is uploaded and comes to be taken: two claims of five
seconds may be in hand before its bake, and two more before its frames."""


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    folder = tmp_path_factory.mktemp("laptop")
    with a_farm(
        folder, FARM_BLENDER=sys.executable, FARM_LOCAL_AGENTS="1", FARM_LOCAL_HOUR_DOLLARS=HOUR_DOLLARS
    ) as farm:
        keep_agents(farm, 1)
        yield farm


@pytest.fixture(scope="module")
def slow_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slow") / "slow.blend"
    program = Path(__file__).with_name("small_scene.py")
    command, env = [sys.executable, str(program), str(path)], {**os.environ, "FRAME_SECONDS": FRAME_SECONDS}
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=120)
    return path


def wait_until(look: Callable[[], T | None], farm: LaptopFarm, seconds: float = 90) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, farm.logs()
        time.sleep(0.1)
    return found


def spent(farm: LaptopFarm) -> Spend:
    answer = farm.farm.table.get_item(Key=spend_key(month_of(datetime.now(UTC))))
    return Spend.from_item(answer.get("Item"))


def ends(farm: LaptopFarm, job_id: str) -> list[str]:
    """When each of a job's frames was done."""
    job = farm.farm.records.job(job_id)
    assert job
    return sorted(record.ended_at for record in farm.farm.records.frames(job_id, range(job.shards)))


def set_budget(farm: LaptopFarm, dollars: str) -> None:
    """Deploy a budget by hand, to the two that know it."""
    functions = clients.functions(farm.record.endpoint)
    names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    for name in names:
        if "AcceptUpload" in name or "SweepJobs" in name:
            variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            functions.update_function_configuration(
                FunctionName=name,
                Environment={"Variables": {**variables, "FARM_MONTHLY_BUDGET_DOLLARS": dollars}},
            )


def sweep(farm: LaptopFarm) -> list[str]:
    """Have the sweep look; the jobs that it released."""
    answer = clients.functions(farm.record.endpoint).invoke(
        FunctionName=farm.record.outputs["SweepFunctionName"]
    )
    released: list[str] = json.loads(answer["Payload"].read())["released"]
    return released


def held(farm: LaptopFarm, job_id: str) -> Job | None:
    job = farm.farm.records.job(job_id)
    assert job is None or job.state is JobState.HELD, job
    return job


def test_a_job_says_what_it_cost_and_the_month_adds_up(farm: LaptopFarm, scene: Path) -> None:
    job = farm.wait(farm.upload(scene, "cost/scene.blend", {"frames": "1-3"}))
    assert job.state is JobState.DONE, job.reason
    assert 0 < job.worker_seconds < 120
    assert (job.spot_seconds, job.microdollars) == (0, job.worker_seconds * MICRODOLLARS_A_SECOND)
    body = farm.farm.s3.get_object(Bucket=farm.farm.bucket, Key=summary_key(job.project, job.job_id))["Body"]
    summary = json.loads(body.read())
    assert summary["worker_seconds"] > 0
    assert summary["dollars"] == summary["worker_seconds"] * MICRODOLLARS_A_SECOND / 1_000_000
    assert summary["worker_seconds"] <= job.worker_seconds

    def known() -> WorkerRecord | None:
        """Its last record, or one from before it had asked its machine what it is."""
        (worker,) = farm.farm.records.workers(int(time.time()))
        return worker if worker.instance_type else None

    worker = wait_until(known, farm)
    assert (worker.instance_type, worker.spot, worker.hour_microdollars) == ("laptop", False, 3_600_000)
    month = wait_until(lambda: spent(farm) if spent(farm).microdollars else None, farm)
    assert month.microdollars == month.machine_seconds * MICRODOLLARS_A_SECOND


def test_frames_of_high_priority_are_taken_before_those_that_wait(farm: LaptopFarm, slow_scene: Path) -> None:
    normal = farm.upload(slow_scene, "normal/slow.blend", {"frames": f"1-{MANY}"})
    wait_until(lambda: farm.farm.records.job(normal) and ends(farm, normal), farm)
    high = farm.wait(farm.upload(slow_scene, "high/slow.blend", {"frames": "1-4", "priority": "high"}))
    assert high.state is JobState.DONE, high.reason
    others = ends(farm, normal)
    assert 0 < len(others) < MANY, "the normal job had frames that waited, all this time"
    first, *_, last = ends(farm, high.job_id)
    assert not [end for end in others if first < end < last]
    cancel(farm.farm, normal)


def test_a_spent_budget_holds_new_jobs_until_somebody_or_the_budget_lets_them_go(
    farm: LaptopFarm, scene: Path
) -> None:
    wait_until(lambda: spent(farm).microdollars, farm)
    set_budget(farm, "0.000001")
    first, second = (farm.upload(scene, f"held/{name}.blend", {"frames": "1"}) for name in "ab")
    for job_id in (first, second):
        job = wait_until(partial(held, farm, job_id), farm)
        assert job.reason.startswith("this month's estimate is $")
        assert "of the budget of $0.000001: it goes on next month" in job.reason
    assert sweep(farm) == []

    release(farm.farm, first)
    assert farm.wait(first).state is JobState.DONE
    assert held(farm, second)

    set_budget(farm, "1000000")
    assert sweep(farm) == [second]
    assert farm.wait(second).state is JobState.DONE
