"""Agents that are killed or sent away while they render cost their time and nothing else.

`make test` ends a few, `make chaos` twenty.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from contract.job import FrameState, Job, JobState
from tests.e2e.crew import Crew, a_crew, wait_until
from tests.support.blender import same_picture
from worker_agent.seats.spare_blender import READY, TAKEN

KILLS = int(os.environ.get("FARM_TEST_KILLS", "4"))
LAST = max(24, 4 * KILLS)
LEASE_SECONDS = 3
AT_WORK = 2
"""Agents at the same time, for so many cores."""


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with a_crew(tmp_path, lease_seconds=LEASE_SECONDS) as crew:
        yield crew


@pytest.fixture
def falling(tmp_path: Path) -> Path:
    path = tmp_path / "falling.blend"
    program = Path(__file__).with_name("falling_scene.py")
    command = [sys.executable, str(program), str(path), str(LAST)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return path


def test_frames_of_agents_that_are_ended_again_and_again_are_as_if_nothing_had_been(
    crew: Crew, falling: Path, tmp_path: Path
) -> None:
    job_id = crew.farm.upload(falling, "killed/falling.blend")
    wait_until(lambda: crew.farm.farm.records.job(job_id))
    ended = _end_agents(crew, job_id)
    job = crew.farm.wait(job_id, seconds=240)
    _is_whole(crew, job)
    print(f"{LAST} frames, {ended['killed']} agents killed and {ended['sent away']} sent away")
    for member in list(crew.members):
        crew.ask_to_go(member)

    with crew.agent("undisturbed") as rested:
        wait_until(lambda: READY in rested.log.read_text())
        calm_id = crew.farm.upload(falling, "calm/falling.blend")
        calm = crew.farm.wait(calm_id, seconds=240)
    assert TAKEN in rested.log.read_text(), "an idle agent has a Blender for whatever comes"
    _is_whole(crew, calm)
    killed, undisturbed = _pictures(crew, job, tmp_path), _pictures(crew, calm, tmp_path)
    assert not same_picture(undisturbed[0], undisturbed[-1]), "nothing moves: nothing is compared"
    for one, other in zip(killed, undisturbed, strict=True):
        assert same_picture(one, other), one.name


def _end_agents(crew: Crew, job_id: str) -> dict[str, int]:
    """End agents as the dice say, each after some progress, and replace each; the rest go on working."""
    dice = random.Random(KILLS)
    ended = {"killed": 0, "sent away": 0}
    numbers = count(1)
    for _ in range(AT_WORK):
        crew.start(f"renderer-{next(numbers)}")
    for number in range(KILLS):
        before = _done(crew, job_id)
        wait_until(partial(_is_past, crew, job_id, before), seconds=120)
        time.sleep(dice.uniform(0, 0.5))
        job = crew.farm.farm.records.job(job_id)
        assert job
        assert job.state is JobState.RENDERING, f"end {number} came too late: {job.state}"
        victim = dice.choice(crew.members)
        if dice.random() < 0.5:
            crew.kill(victim)
            ended["killed"] += 1
        else:
            crew.ask_to_go(victim)
            ended["sent away"] += 1
        crew.start(f"renderer-{next(numbers)}")
    assert all(ended.values()), f"the dice know one end only: {ended}"
    return ended


def _done(crew: Crew, job_id: str) -> int:
    job = crew.farm.farm.records.job(job_id)
    if not job or not job.shards:
        return 0
    return len(list(crew.farm.farm.records.frames(job_id, range(job.shards))))


def _is_past(crew: Crew, job_id: str, before: int) -> bool:
    return _done(crew, job_id) > before


def _is_whole(crew: Crew, job: Job) -> None:
    """Every frame is done once, by no fault of anyone's, and no message is left."""
    assert job.state is JobState.DONE, job.reason
    records = list(crew.farm.farm.records.frames(job.job_id, range(job.shards)))
    assert sorted(record.frame for record in records) == list(range(1, LAST + 1))
    assert {record.state for record in records} == {FrameState.DONE}
    assert [record for record in records if record.failures] == []
    assert job.bake_attempts == 0
    assert sorted(crew.farm.frames(job)) == [f"{frame:04}.png" for frame in range(1, LAST + 1)]
    wait_until(lambda: not any(crew.farm.messages().values()))


def _pictures(crew: Crew, job: Job, folder: Path) -> list[Path]:
    """In the order of the frames."""
    paths = []
    for name, content in sorted(crew.farm.frames(job).items()):
        paths.append(folder / f"{job.project}-{name}")
        paths[-1].write_bytes(content)
    return paths
