"""Hostile and broken archives, all dropped into the bucket at once: each ends in a plain reason."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from contract.job import Job, JobState
from contract.keys import scratch_folder
from tests.e2e.laptop import LaptopFarm
from tests.support.archives import tar, zipped
from tests.support.hostile_archives import ESCAPED, HOSTILE, Hostile


def key(hostile: Hostile) -> str:
    return f"archives/{hostile.what}/{hostile.file_name}"


@pytest.fixture(scope="module")
def jobs(laptop: LaptopFarm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("archives")
    found = {}
    for hostile in HOSTILE:
        hostile.make(folder / hostile.file_name)
        found[key(hostile)] = laptop.upload(folder / hostile.file_name, key(hostile))
    return found


@pytest.fixture(scope="module")
def ended(laptop: LaptopFarm, jobs: dict[str, str]) -> dict[str, Job]:
    return {key: laptop.wait(job_id, seconds=240) for key, job_id in jobs.items()}


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: f"{h.file_name} {h.what}")
def test_a_hostile_archive_fails_with_a_plain_reason(
    laptop: LaptopFarm, ended: dict[str, Job], hostile: Hostile
) -> None:
    job = ended[key(hostile)]
    assert job.state is JobState.FAILED
    assert job.reason.startswith(hostile.file_name)
    assert hostile.says in job.reason
    assert "Traceback" not in job.reason
    assert len(job.reason) < 600
    assert job.bake_attempts == 0, "it is not tried again"
    assert laptop.frames(job) == {}


def test_nothing_appears_outside(laptop: LaptopFarm, ended: dict[str, Job]) -> None:
    """Neither where a path led, nor anywhere near, nor in the scratch space, which is cleared."""
    assert ended
    for place in (Path("/"), Path("/tmp"), Path("/etc"), laptop.folder.parent):
        assert not list(place.glob(f"*{ESCAPED}*"))
    assert not list(laptop.folder.rglob(f"*{ESCAPED}*"))
    for job in ended.values():
        folder = laptop.state.scratch / scratch_folder(job.job_id)
        assert [path for path in folder.rglob("*") if path.is_file() or path.is_symlink()] == []


def test_no_message_is_left(laptop: LaptopFarm, ended: dict[str, Job]) -> None:
    assert ended
    deadline = time.monotonic() + 20
    while any(laptop.messages().values()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not any(laptop.messages().values()), laptop.messages()


def test_an_honest_archive_renders_after_all_that(laptop: LaptopFarm, scene: Path, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "film.zip", ("film/shot.blend", scene.read_bytes()))
    job = laptop.wait(laptop.upload(archive, "archives/film.zip", {"frames": "2"}))
    assert (job.state, job.baked_blend) == (JobState.DONE, "project/film/shot.blend")
    assert sorted(laptop.frames(job)) == ["0002.png"]


def test_the_scene_asked_for_is_rendered(laptop: LaptopFarm, scene: Path, tmp_path: Path) -> None:
    archive = tar(tmp_path / "film.tgz", ("a.blend", b"no scene"), ("film/shot.blend", scene.read_bytes()))
    options = {"frames": "3", "blend": "film/shot.blend"}
    job = laptop.wait(laptop.upload(archive, "archives/film.tgz", options))
    assert job.state is JobState.DONE, job.reason
    refused = laptop.wait(laptop.upload(archive, "archives/film.tgz", {"blend": "film/b.blend"}))
    assert refused.state is JobState.FAILED
    assert "2 .blend files (a.blend, film/shot.blend)" in refused.reason


def test_the_command_takes_the_choice(laptop: LaptopFarm, scene: Path, tmp_path: Path) -> None:
    code, said = laptop.run("render", str(scene), "--blend", "film/shot.blend")
    assert (code, "is no archive" in said) == (2, True)
    archive = zipped(tmp_path / "two.zip", ("a.blend", b"no scene"), ("b.blend", scene.read_bytes()))
    code, said = laptop.run("render", str(archive), "--blend", "b.blend", "--frames", "1")
    assert code == 0, said
