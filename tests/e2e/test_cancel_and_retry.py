"""What a person does to a job with the real command, on a farm of two agents with the real Blender."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from contract import frame_writes
from contract.job import FrameState, Job, JobState
from farm.local import agents
from tests.e2e.laptop import LaptopFarm, a_farm, keep_agents

T = TypeVar("T")

ENDLESS = {"frames": "1-30", "samples": "1000000", "resolution_percentage": "800"}
"""Frames of several seconds each: a cancel meets each agent at its first."""


@pytest.fixture(scope="module")
def two_agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    folder = tmp_path_factory.mktemp("laptop")
    with a_farm(folder, FARM_BLENDER=sys.executable, FARM_LOCAL_AGENTS="2") as farm:
        keep_agents(farm, 2)
        yield farm


def wait_until(look: Callable[[], T | None], seconds: float = 90) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def rendering(farm: LaptopFarm, job_id: str) -> Job | None:
    job = farm.farm.records.job(job_id)
    return job if job and job.state is JobState.RENDERING and job.frames_sent_at else None


def two_frames_of_which_one_fails(farm: LaptopFarm, scene: Path, key: str) -> Job:
    """Ended; the second frame is recorded as an agent records one that it gives up."""
    job_id = farm.upload(scene, key, {"frames": "1-2"})
    job = wait_until(lambda: rendering(farm, job_id))
    items: Any = frame_writes.end_frame(
        table=farm.farm.table.name,
        job_id=job_id,
        shards=job.shards,
        frame=2,
        state=FrameState.FAILED,
        attributes={"reason": "out of memory"},
    )
    farm.farm.table.meta.client.transact_write_items(TransactItems=items)
    job = farm.wait(job_id)
    assert (job.state, job.frames_done) == (JobState.DONE_WITH_FAILURES, 1), job.reason
    return job


def blend(farm: LaptopFarm, job: Job) -> Path:
    return farm.state.scratch / "jobs" / job.job_id / job.baked_folder / job.baked_blend


def ended_at(farm: LaptopFarm, job: Job) -> dict[int, str]:
    return {record.frame: record.ended_at for record in farm.farm.records.frames(job.job_id, [0])}


def test_a_canceled_job_leaves_its_agents_and_no_message(two_agents: LaptopFarm, scene: Path) -> None:
    farm = two_agents
    job_id = farm.upload(scene, "canceled/scene.blend", ENDLESS)
    wait_until(lambda: rendering(farm, job_id))
    wait_until(lambda: len(list(farm.state.work.glob("*/output/*"))) == 2)  # each agent is at a frame
    at_work = {agent.pid for agent in agents.running(farm.state)}
    code, said = farm.call("cancel", job_id)
    assert (code, "is canceled" in said) == (0, True), said
    wait_until(lambda: not any(farm.messages().values()), seconds=45)
    job = farm.farm.records.job(job_id)
    assert job
    assert (job.state, job.reason) == (JobState.CANCELED, "canceled on request")
    (counted,) = farm.farm.records.shards([job])[job.job_id]
    assert (counted.total, counted.done, counted.failed) == (30, 0, 0)
    assert {agent.pid for agent in agents.running(farm.state)} == at_work
    code, said = farm.call("cancel", job_id)
    assert (code, "it has ended already: CANCELED" in said) == (1, True), said


def test_a_retry_renders_the_failed_frame_alone(two_agents: LaptopFarm, scene: Path) -> None:
    farm = two_agents
    before = two_frames_of_which_one_fails(farm, scene, "retried/scene.blend")
    assert blend(farm, before).is_file(), "kept for a retry"
    first = ended_at(farm, before)[1]
    code, said = farm.call("retry", before.job_id)
    assert (code, "is queued again" in said) == (0, True), said
    job = farm.wait(before.job_id)
    assert (job.state, job.frames_done, job.frames_failed, job.retries) == (JobState.DONE, 2, 0, 1)
    assert job.baked_folder == before.baked_folder
    assert ended_at(farm, job)[1] == first, "it was not rendered again"
    assert ended_at(farm, job)[2] > first
    assert set(farm.frames(job)) == {"0001.png", "0002.png"}
    code, said = farm.call("retry", job.job_id)
    assert (code, "there is nothing to retry" in said) == (1, True), said


def test_a_retry_bakes_again_when_the_scratch_folder_is_gone(two_agents: LaptopFarm, scene: Path) -> None:
    farm = two_agents
    before = two_frames_of_which_one_fails(farm, scene, "gone/scene.blend")
    first = ended_at(farm, before)[1]
    shutil.rmtree(farm.state.scratch / "jobs" / before.job_id)
    assert farm.call("retry", before.job_id)[0] == 0
    job = farm.wait(before.job_id)
    assert (job.state, job.frames_done, job.frame_count, job.shards) == (JobState.DONE, 2, 2, 1)
    assert job.baked_folder != before.baked_folder
    assert ended_at(farm, job)[1] == first, "it was not rendered again"


def test_a_job_nobody_knows(two_agents: LaptopFarm) -> None:
    code, said = two_agents.call("retry", "nosuch")
    assert (code, "there is no such job" in said) == (1, True), said


def test_a_farm_that_is_down_says_so(folder: LaptopFarm) -> None:
    code, said = folder.call("cancel", "nosuch")
    assert (code, "The laptop farm is down" in said) == (1, True), said
