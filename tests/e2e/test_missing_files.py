"""A project with a file too few, through the whole farm."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from contract.job import JobState
from contract.keys import inspection_key
from tests.e2e.laptop import LaptopFarm
from tests.support.projects import project

FRAME = {"frames": "2"}


@pytest.fixture
def folder_with_files(tmp_path: Path) -> Path:
    """Image sequences, of which frame 2 shows the numbers 4 and 12."""
    return Path(shutil.copytree(project("sequences"), tmp_path / "film"))


def packed(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "gztar", root_dir=folder.parent, base_dir=folder.name))


def test_a_whole_project_renders(laptop: LaptopFarm, folder_with_files: Path) -> None:
    job = laptop.wait(laptop.upload(packed(folder_with_files), "film/whole.tar.gz", FRAME))
    assert job.state is JobState.DONE, job.reason
    assert (job.baked_blend, sorted(laptop.frames(job))) == ("project/film/scene.blend", ["0002.png"])
    assert job.scene["missing_files"] == []


def test_a_missing_file_fails_the_job_unless_it_may_be_missing(
    laptop: LaptopFarm, folder_with_files: Path
) -> None:
    (folder_with_files / "fire/fire_0004.png").unlink()
    archive = packed(folder_with_files)
    refused = laptop.upload(archive, "film/refused.tar.gz", FRAME)
    allowed = laptop.upload(archive, "film/allowed.tar.gz", FRAME | {"allow_missing": "yes"})
    unneeded = laptop.upload(archive, "film/unneeded.tar.gz", {"frames": "3"})
    job = laptop.wait(refused)
    lacking = 'image sequence "Straight" (//fire/fire_0003.png; fire_0004.png)'
    assert job.state is JobState.FAILED
    assert job.reason.startswith(f"1 file that the scene needs is missing: {lacking}. Pack them")
    assert laptop.frames(job) == {}
    assert job.scene["missing_files"] == [lacking]
    assert job.bake_attempts == 0, "it is not tried again"
    assert not [path for path in laptop.state.scratch.rglob("*") if job.job_id in str(path)]
    stored = laptop.farm.s3.get_object(Bucket=job.bucket, Key=inspection_key(job.project, job.job_id))
    inspection = json.loads(stored["Body"].read())
    assert [file["detail"] for file in inspection["missing_files"]] == ["fire_0004.png"]
    assert [scene["name"] for scene in inspection["scenes"]] == ["Scene"]
    job = laptop.wait(allowed)
    assert job.state is JobState.DONE, job.reason
    assert job.scene["missing_files"] == [lacking]
    assert laptop.wait(unneeded).state is JobState.DONE, "frame 3 shows other files"


def test_the_command_says_what_is_missing_and_takes_the_permission(
    laptop: LaptopFarm, folder_with_files: Path
) -> None:
    shutil.rmtree(folder_with_files / "fire")
    archive = str(packed(folder_with_files))
    code, said = laptop.run("render", archive, "--frames", "2")
    assert code == 1
    assert "3 files that the scene needs are missing" in said
    code, said = laptop.run("render", archive, "--frames", "2", "--allow-missing")
    assert code == 0, said
