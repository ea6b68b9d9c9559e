"""An agent that is killed in the middle of a bake costs its time and nothing else.

`make test` kills a few times, `make chaos` twenty.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from contract.job import JobState
from farm.jobs import read_frames, read_job, read_progress
from farm.local import lifecycle, processes
from farm.local.fleet import AgentEnvironment, deployed_settings
from farm.local.settings import LocalSettings
from tests.e2e.laptop import ROOT, LaptopFarm, a_farm
from tests.support.blender import same_picture
from tests.support.simulations import LAST, simulated_scene, stepped

KILLS = int(os.environ.get("FARM_TEST_KILLS", "4"))
LEASE_SECONDS = 2


@dataclass
class Bakers:
    """A farm whose fleet is gone: the test starts and kills agents itself."""

    farm: LaptopFarm
    environment: AgentEnvironment

    @contextmanager
    def agent(self, number: int) -> Iterator[subprocess.Popen[bytes]]:
        """An agent whose leases are short; it and its Blender are dead in the end, however."""
        folder = self.farm.state.work / f"baker-{number}"
        folder.mkdir(parents=True)
        env = {
            **self.environment(folder.name, folder),
            "FARM_LEASE_SECONDS": str(LEASE_SECONDS),
            "FARM_POLL_SECONDS": "1",
        }
        log = self.farm.state.logs / f"{folder.name}.log"
        process = processes.spawn([sys.executable, "-m", "worker_agent"], env=env, log=log, cwd=ROOT)
        try:
            yield process
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            processes.kill_strays(self.farm.state, folder)


@pytest.fixture
def bakers(tmp_path: Path) -> Iterator[Bakers]:
    with a_farm(tmp_path, FARM_BLENDER=sys.executable) as farm:
        lifecycle.stop_fleet(farm.state, lambda _: None)
        settings = LocalSettings.from_env(farm.env)
        yield Bakers(
            farm, AgentEnvironment(settings, farm.state, farm.record, deployed_settings(farm.record))
        )


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _grows(look: Callable[[], set[str]], before: set[str]) -> bool:
    return bool(look() - before)


def test_a_bake_whose_agents_are_killed_is_made_whole_by_the_last(bakers: Bakers, tmp_path: Path) -> None:
    farm, dice = bakers.farm, random.Random(KILLS)
    scene = simulated_scene("long_bake", tmp_path / "source")
    job_id = farm.upload(scene, "killed/long_bake.blend", {"frames": f"{LAST},3"})
    wait_until(lambda: read_job(farm.farm, job_id))
    baking = farm.state.scratch / "jobs" / job_id

    def is_baking() -> bool:
        return bool(list(baking.glob("baking-*/blendcache_*/*.bphys")))

    def begun() -> set[str]:
        return {path.name for path in baking.glob("baking-*")}

    for number in range(KILLS):
        before = begun()
        with bakers.agent(number):
            wait_until(partial(_grows, begun, before))
            if number % 2:  # else at once, or while Blender starts
                wait_until(is_baking)
            time.sleep(dice.uniform(0, 1.5))
        job = read_job(farm.farm, job_id)
        assert job
        assert job.state is JobState.BAKING, f"killed too late: {job.state}"
        assert (job.bake_attempts, job.baked_folder) == (0, "")
        assert not list(baking.glob("baked-*"))
        assert farm.messages()["RenderQueueUrl"] == 0
        assert read_progress(farm.farm, job) == []
    with bakers.agent(KILLS):
        job = farm.wait(job_id, seconds=120)
    assert job.state is JobState.DONE, job.reason
    assert {record.worker for record in read_frames(farm.farm, job_id, range(job.shards))} == {
        f"baker-{KILLS}"
    }
    stepped(scene, tmp_path / "stepped", [LAST, 3])
    for name, content in farm.frames(job).items():
        (tmp_path / name).write_bytes(content)
        assert same_picture(tmp_path / name, tmp_path / "stepped" / name), name
