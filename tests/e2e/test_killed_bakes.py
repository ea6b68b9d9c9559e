"""An agent that is killed in the middle of a bake costs its time and nothing else.

`make test` kills a few times, `make chaos` twenty.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from contract.job import JobState
from tests.e2e.crew import Crew, a_crew, wait_until
from tests.support.blender import same_picture
from tests.support.simulations import LAST, simulated_scene, stepped

KILLS = int(os.environ.get("FARM_TEST_KILLS", "4"))
LEASE_SECONDS = 2


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with a_crew(tmp_path, lease_seconds=LEASE_SECONDS) as crew:
        yield crew


def _grows(look: Callable[[], set[str]], before: set[str]) -> bool:
    return bool(look() - before)


def test_a_bake_whose_agents_are_killed_is_made_whole_by_the_last(crew: Crew, tmp_path: Path) -> None:
    farm, dice = crew.farm, random.Random(KILLS)
    scene = simulated_scene("long_bake", tmp_path / "source")
    job_id = farm.upload(scene, "killed/long_bake.blend", {"frames": f"{LAST},3"})
    wait_until(lambda: farm.farm.records.job(job_id))
    baking = farm.state.scratch / "jobs" / job_id

    def is_baking() -> bool:
        return bool(list(baking.glob("baking-*/blendcache_*/*.bphys")))

    def begun() -> set[str]:
        return {path.name for path in baking.glob("baking-*")}

    for number in range(KILLS):
        before = begun()
        with crew.agent(f"baker-{number}"):
            wait_until(partial(_grows, begun, before))
            if number % 2:  # else at once, or while Blender starts
                wait_until(is_baking)
            time.sleep(dice.uniform(0, 1.5))
        job = farm.farm.records.job(job_id)
        assert job
        assert job.state is JobState.BAKING, f"killed too late: {job.state}"
        assert (job.bake_attempts, job.baked_folder) == (0, "")
        assert not list(baking.glob("baked-*"))
        assert farm.messages()["RenderQueueUrl"] == 0
        assert farm.farm.records.shards([job])[job.job_id] == []
    with crew.agent(f"baker-{KILLS}"):
        job = farm.wait(job_id, seconds=120)
    assert job.state is JobState.DONE, job.reason
    assert {record.worker for record in farm.farm.records.frames(job_id, range(job.shards))} == {
        f"baker-{KILLS}"
    }
    stepped(scene, tmp_path / "stepped", [LAST, 3])
    for name, content in farm.frames(job).items():
        (tmp_path / name).write_bytes(content)
        assert same_picture(tmp_path / name, tmp_path / "stepped" / name), name
