"""Each file is rendered by its own series, and what no Blender of the farm can render ends by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from contract.job import Job, JobState
from contract.keys import BLENDER_METADATA, output_prefix, summary_key
from tests.e2e.laptop import LaptopFarm, a_farm
from tests.support.runtimes import VERSION_5_2, executable, python_of_5_2, run_script, series_5_2
from tests.support.scenes import scene_file

OWN = version("bpy")


@pytest.fixture(scope="module")
def new_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small scene, saved by 5.2."""
    path = tmp_path_factory.mktemp("new") / "scene.blend"
    run_script(series_5_2(), Path(__file__).with_name("small_scene.py"), str(path))
    return path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    """A farm with this Python's Blender and 5.2."""
    paths = os.pathsep.join((sys.executable, str(series_5_2())))
    with a_farm(tmp_path_factory.mktemp("both"), FARM_BLENDER=paths, FARM_LOCAL_AGENTS="1") as farm:
        yield farm


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    """A farm with this Python's Blender alone."""
    with a_farm(tmp_path_factory.mktemp("old"), FARM_BLENDER=sys.executable, FARM_LOCAL_AGENTS="1") as farm:
        yield farm


def rendered_by(farm: LaptopFarm, job: Job) -> set[str]:
    """What the frames' objects, their records and job.json say."""
    s3, bucket = farm.farm.s3, farm.farm.bucket
    prefix = output_prefix(job.project, job.job_id) + "frames/"
    heads = [s3.head_object(Bucket=bucket, Key=prefix + name) for name in farm.frames(job)]
    summary = json.loads(
        s3.get_object(Bucket=bucket, Key=summary_key(job.project, job.job_id))["Body"].read()
    )
    return {
        *(head["Metadata"][BLENDER_METADATA] for head in heads),
        *(record.blender_version for record in farm.farm.records.frames(job.job_id, range(job.shards))),
        *(frame["blender_version"] for frame in summary["frames"]),
        summary["blender"]["version"],
    }


def test_the_same_scene_saved_by_two_series_is_rendered_by_each_ones_own(
    both: LaptopFarm, scene: Path, new_scene: Path
) -> None:
    options = {"frames": "1-3"}
    jobs = {
        OWN: both.upload(scene, "versions/own.blend", options),
        VERSION_5_2: both.upload(new_scene, "versions/new.blend", options),
    }
    for expected, job_id in jobs.items():
        job = both.wait(job_id)
        assert job.state is JobState.DONE, job.reason
        assert len(both.frames(job)) == 3
        assert rendered_by(both, job) == {expected} == {job.blender_version}


def test_blender_version_overrides(both: LaptopFarm, scene: Path) -> None:
    code, said = both.run("render", str(scene), "--frames", "2", "--blender-version", "5.2")
    assert code == 0, said
    code, page = both.run("status")
    assert f"blender: {OWN} (module), {VERSION_5_2} (module)" in page
    (out,) = (both.folder / "out").iterdir()
    assert rendered_by(both, both.wait(out.name)) == {VERSION_5_2}


def test_what_cannot_be_asked_for_is_refused_with_what_there_is(both: LaptopFarm, new_scene: Path) -> None:
    older = both.wait(both.upload(new_scene, "versions/a.blend", {"blender_version": OWN}))
    assert older.state is JobState.FAILED
    assert f"blender_version is {OWN}, and a.blend was saved by Blender 5.2" in older.reason
    absent = both.wait(both.upload(new_scene, "versions/b.blend", {"blender_version": "5.3"}))
    assert absent.state is JobState.FAILED
    assert f"this farm has not: it has {OWN}, {VERSION_5_2}" in absent.reason
    code, said = both.run("render", str(new_scene), "--blender-version", "newest")
    assert (code, "expected a Blender such as 4.5" in said) == (2, True)


def test_a_file_newer_than_the_farm_fails_with_both_named(old: LaptopFarm, new_scene: Path) -> None:
    job = old.wait(old.upload(new_scene, "versions/new.blend"))
    assert job.state is JobState.FAILED
    assert "was saved by Blender 5.2" in job.reason
    assert f"the newest Blender of this farm is {OWN}" in job.reason
    assert "FARM_BLENDER" in job.reason
    assert old.frames(job) == {}


def test_a_fluid_on_a_farm_of_modules_fails_by_its_name(old: LaptopFarm) -> None:
    job = old.wait(old.upload(scene_file("fluid"), "versions/fluid.blend"))
    assert job.state is JobState.FAILED
    assert all(word in job.reason for word in ("Mantaflow fluid", '"Tank"', "executable", "FARM_BLENDER"))


def test_a_farm_that_is_up_takes_other_blenders(old: LaptopFarm, scene: Path, tmp_path: Path) -> None:
    endpoint = old.record.endpoint
    debian = LaptopFarm(old.folder, {**old.variables, "FARM_BLENDER": str(executable())})
    code, said = debian.run("up")
    assert code == 0, said
    assert debian.record.endpoint == endpoint
    job = debian.wait(debian.upload(scene, "versions/older.blend"))
    assert "the newest Blender of this farm is 3.4.1" in job.reason
    ancient = tmp_path / "ancient.blend"
    run_script(executable(), Path(__file__).with_name("small_scene.py"), str(ancient))
    job = debian.wait(debian.upload(ancient, "versions/ancient.blend", {"frames": "1"}))
    assert job.state is JobState.DONE, job.reason
    assert rendered_by(debian, job) == {"3.4.1"}
    assert (job.blender_version, job.blender_form) == ("3.4.1", "executable")


def test_by_default_a_newer_blender_is_installed_at_first_need_and_kept(
    old: LaptopFarm, new_scene: Path, tmp_path: Path
) -> None:
    python_of_5_2()
    uv = str(Path(sys.executable).with_name("uv"))
    packages = subprocess.run([uv, "cache", "dir"], check=True, capture_output=True, text=True).stdout.strip()
    nothing_yet = {"XDG_CACHE_HOME": str(tmp_path), "UV_CACHE_DIR": packages, "FARM_BLENDER": ""}
    default = LaptopFarm(old.folder, {**old.variables, **nothing_yet})
    code, said = default.run("up")
    assert code == 0, said
    assert not list(tmp_path.iterdir()), "bringing a farm up installs nothing"
    job = default.wait(default.upload(new_scene, "versions/first.blend", {"frames": "1"}), seconds=300)
    assert job.state is JobState.DONE, job.reason
    assert rendered_by(default, job) == {VERSION_5_2}
    kept = tmp_path / "autoblenderrender/blender/5.2.3-module/bin/python"
    assert kept.exists()
    assert default.run("down")[0] == 0
    assert kept.exists(), "the next farm has it at once"
