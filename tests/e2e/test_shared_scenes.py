"""Scenes that nobody here made, through the whole farm."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from PIL import Image

from contract.job import Job, JobState
from tests.e2e.laptop import ROOT, LaptopFarm
from tests.support.archives import zipped
from tests.support.blender import same_picture

SCENES = ROOT.parent / "shared" / "scenes"
pytestmark = pytest.mark.skipif(not SCENES.is_dir(), reason=f"the shared scenes are not at {SCENES}")

RAW_BLENDER = """
import os, sys, bpy
blend, output = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=blend, use_scripts=False)
scene = bpy.context.scene
scene.cycles.samples, scene.cycles.device, scene.render.resolution_percentage = 8, "CPU", 10
scene.frame_start, scene.frame_end = 3, 4
scene.render.filepath = output + "/####"
bpy.ops.render.render(animation=True)
os._exit(0)
"""


RAW_FRAME = """
import os, sys, bpy
blend, picture = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=blend, use_scripts=False)
scene = bpy.context.scene
scene.cycles.samples, scene.cycles.device, scene.render.resolution_percentage = 1, "CPU", 10
for layer in scene.view_layers:
    layer.samples = min(layer.samples, 1)
scene.render.image_settings.file_format = "PNG"
scene.frame_set(1)
scene.render.filepath = picture
bpy.ops.render.render(write_still=True)
os._exit(0)
"""
ADD_CAMERA = """
import os, sys, bpy
blend, copy = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=blend, use_scripts=False)
scene = bpy.context.scene
scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
cube = scene.objects["ümlaut"].matrix_world.translation
scene.camera.location = [there + off for there, off in zip(cube, (7.4, -6.9, 5))]
sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
scene.camera.rotation_euler = sun.rotation_euler = (1.1, 0, 0.8)
for item in (scene.camera, sun):
    scene.collection.objects.link(item)
bpy.ops.wm.save_as_mainfile(filepath=copy, relative_remap=False, compress=False)
os._exit(0)
"""
QUICK = {"frames": "1", "samples": "1", "resolution_percentage": "10"}


def with_camera(name: str, folder: Path) -> Path:
    """A copy in which its cube can be seen; its paths lead where they led."""
    copy = folder / name
    command = [sys.executable, "-c", ADD_CAMERA, str(SCENES / name), str(copy)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return copy


def test_frames_are_those_of_raw_blender(laptop: LaptopFarm, tmp_path: Path) -> None:
    """It stores an absolute Windows output path, and is saved to render on a GPU."""
    options = {"frames": "4,3", "samples": "8", "resolution_percentage": "10"}
    job_id = laptop.upload(SCENES / "pottery.blend", "shared/pottery.blend", options)
    raw = [sys.executable, "-c", RAW_BLENDER, str(SCENES / "pottery.blend"), str(tmp_path)]
    subprocess.run(raw, check=True, capture_output=True, timeout=300)
    job = laptop.wait(job_id, seconds=300)
    assert job.state is JobState.DONE, job.reason
    frames = laptop.frames(job)
    assert sorted(frames) == ["0003.png", "0004.png"]
    for name, content in frames.items():
        (tmp_path / f"ours-{name}").write_bytes(content)
        assert same_picture(tmp_path / f"ours-{name}", tmp_path / name), name
    assert not same_picture(tmp_path / "0003.png", tmp_path / "0004.png"), "two frames can be told apart"


@pytest.fixture(scope="module")
def without_camera(laptop: LaptopFarm) -> dict[str, Job]:
    """All of them uploaded at once, as they are."""
    names = [
        "cloth_rigidbody",
        "missing_textures",
        "linked_cube",
        "basic_file",
        "basic_file_compressed",
        "basic_file_compressed_zstd",
    ]
    jobs = {name: laptop.upload(SCENES / f"{name}.blend", f"shared/{name}.blend") for name in names}
    return {name: laptop.wait(job_id) for name, job_id in jobs.items()}


def test_a_scene_without_a_camera_fails_by_that_name(without_camera: dict[str, Job]) -> None:
    """Whether the file is packed by gzip, by zstd or not at all."""
    for name, job in without_camera.items():
        assert job.state is JobState.FAILED, name
        assert "no camera" in job.reason, name


def test_what_else_is_missing_is_told_at_once(without_camera: dict[str, Job]) -> None:
    textures, library = without_camera["missing_textures"].reason, without_camera["linked_cube"].reason
    assert "//textures/HDRI/Myanmar/Golden Palace 2, Old Bagan-1k.exr" in textures
    assert "//textures/Textures/Marble/marble_decoration-color.png" in textures
    assert library.endswith("files that it needs are missing: //basic_file.blend.")
    assert "missing" not in without_camera["basic_file"].reason


def test_missing_textures_fail_with_their_list_or_are_allowed(laptop: LaptopFarm, tmp_path: Path) -> None:
    scene = with_camera("missing_textures.blend", tmp_path)
    refused = laptop.upload(scene, "shared/refused.blend", QUICK)
    allowed = laptop.upload(scene, "shared/allowed.blend", QUICK | {"allow_missing": "yes"})
    job = laptop.wait(refused)
    assert job.state is JobState.FAILED
    assert job.reason.startswith("2 files that the scene needs are missing: image ")
    assert "marble_decoration-color.png" in job.reason
    assert "allow_missing=yes" in job.reason
    assert laptop.frames(job) == {}
    job = laptop.wait(allowed)
    assert job.state is JobState.DONE, job.reason
    assert sorted(laptop.frames(job)) == ["0001.png"]
    assert len(job.scene["missing_files"]) == 2
    assert job.scene["scenes"][0]["file_format"] == "FFMPEG"


def test_a_linked_library_comes_in_the_archive(laptop: LaptopFarm, tmp_path: Path) -> None:
    scene = with_camera("linked_cube.blend", tmp_path)
    alone = laptop.upload(scene, "shared/alone.blend", QUICK)
    library = (SCENES / "basic_file.blend").read_bytes()
    archive = zipped(
        tmp_path / "cube.zip", ("film/shot.blend", scene.read_bytes()), ("film/basic_file.blend", library)
    )
    packed = laptop.upload(archive, "shared/cube.zip", QUICK | {"blend": "film/shot.blend"})
    job = laptop.wait(alone)
    assert job.state is JobState.FAILED
    assert job.reason.startswith(
        '1 file that the scene needs is missing: library "Lib" (//basic_file.blend).'
    )
    job = laptop.wait(packed)
    assert job.state is JobState.DONE, job.reason
    (tmp_path / "basic_file.blend").write_bytes(library)
    assert_is_raw_blenders(laptop, job, scene, tmp_path)


def test_the_same_scene_in_three_compressions_is_the_same_picture(laptop: LaptopFarm, tmp_path: Path) -> None:
    jobs = []
    for name, pack in (
        ("basic_file", bytes),
        ("basic_file_compressed", gzip.compress),
        ("basic_file_compressed_zstd", zstd),
    ):
        scene = with_camera(f"{name}.blend", tmp_path)
        packed = tmp_path / f"{name}_packed.blend"
        packed.write_bytes(pack(scene.read_bytes()))
        jobs.append(laptop.upload(packed, f"shared/{packed.name}", QUICK))
    for job_id in jobs:
        job = laptop.wait(job_id)
        assert job.state is JobState.DONE, job.reason
        assert_is_raw_blenders(laptop, job, scene, tmp_path)


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def assert_is_raw_blenders(laptop: LaptopFarm, job: Job, blend: Path, folder: Path) -> None:
    """The one frame of the job looks as Blender alone makes it."""
    (ours, raw) = (folder / "ours.png", folder / "raw.png")
    ours.write_bytes(laptop.frames(job)["0001.png"])
    command = [sys.executable, "-c", RAW_FRAME, str(blend), str(raw)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert same_picture(ours, raw)
    with Image.open(ours) as picture:
        levels = [level for level, count in enumerate(picture.convert("L").histogram()) if count]
    assert levels[-1] - levels[0] > 50, "a cube is to be seen"
