"""Unbaked projects on a farm of two agents: baked once, then any frame by any agent."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.job import Job, JobState
from tests.e2e.laptop import ROOT, LaptopFarm, a_farm, keep_agents
from tests.support.blender import same_picture
from tests.support.runtimes import executable, run_script
from tests.support.simulations import FRESH_REPLAY, LAST, MODULE, simulated_scene, stepped

SCENES = ROOT.parent / "shared" / "scenes"
needs_shared_scenes = pytest.mark.skipif(not SCENES.is_dir(), reason=f"the shared scenes are not at {SCENES}")
SHOWN = [LAST, 7, 3]
WITH_CAMERA = """
import os, sys, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
scene.render.image_settings.file_format = "PNG"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 160, 90, 100
camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
scene.collection.objects.link(camera)
cloth = next(o for o in scene.objects if any(m.type == "CLOTH" for m in o.modifiers))
camera.location = cloth.matrix_world.translation
camera.location.y -= 12
camera.location.z += 2
camera.rotation_euler = (1.4, 0, 0)
scene.camera = camera
light = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
light.rotation_euler = (0.6, 0.3, 0)
scene.collection.objects.link(light)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2])
sys.stdout.flush()
os._exit(0)
"""

WITH_VOLUME = """
import sys, bpy
source, target = sys.argv[-2:]
bpy.ops.wm.open_mainfile(filepath=source)
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 160, 90, 100
bpy.data.objects["Cube"].hide_render = True
material = bpy.data.objects["Smoke Domain"].material_slots[0].material
material.use_nodes = True
tree = material.node_tree
tree.nodes.clear()
output, volume = tree.nodes.new("ShaderNodeOutputMaterial"), tree.nodes.new("ShaderNodeVolumePrincipled")
tree.links.new(volume.outputs[0], output.inputs["Volume"])
bpy.ops.wm.save_as_mainfile(filepath=target)
"""


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory, scene: Path) -> Iterator[LaptopFarm]:
    """Two agents that stay, both kinds of Blender."""
    with a_farm(
        tmp_path_factory.mktemp("two"),
        FARM_BLENDER=os.pathsep.join((sys.executable, str(executable()))),
        FARM_LOCAL_AGENTS="2",
    ) as two:
        keep_agents(two, 2)
        two.wait(two.upload(scene, "warm/up.blend", {"frames": "1-30"}))
        yield two


def keep_frames(farm: LaptopFarm, job: Job, folder: Path) -> Path:
    folder.mkdir()
    for name, content in farm.frames(job).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("name", "prepare", "blender"),
    [("every_kind", "", MODULE), ("gas", FRESH_REPLAY, None), ("liquid", FRESH_REPLAY, None)],
    ids=["every_kind", "gas", "liquid"],
)
def test_frames_in_any_order_by_two_agents_are_those_of_one_blender(
    farm: LaptopFarm, name: str, prepare: str, blender: Path | None, tmp_path: Path
) -> None:
    blender = blender or executable()
    source = simulated_scene(name, tmp_path / "source", blender)
    order = random.Random(name).sample(range(1, LAST + 1), LAST)
    job_id = farm.upload(source, f"bakes/{name}.blend", {"frames": ",".join(map(str, order))})
    stepped(source, tmp_path / "stepped", SHOWN, prepare=prepare, blender=blender)
    job = farm.wait(job_id, seconds=240)
    assert job.state is JobState.DONE, job.reason
    assert len({record.worker for record in farm.farm.records.frames(job_id, range(job.shards))}) == 2
    frames = keep_frames(farm, job, tmp_path / "farm")
    assert len(list(frames.iterdir())) == LAST
    for frame in SHOWN:
        picture = f"{frame:04d}.png"
        assert same_picture(frames / picture, tmp_path / "stepped" / picture), picture
    assert not same_picture(frames / f"{LAST:04d}.png", tmp_path / "stepped/frozen.png")
    assert job.bake_progress["last_frame"] == LAST


@needs_shared_scenes
def test_late_frames_alone_show_the_cloth_as_it_is_by_then(farm: LaptopFarm, tmp_path: Path) -> None:
    blend = tmp_path / "cloth.blend"
    command = [sys.executable, "-c", WITH_CAMERA, str(SCENES / "cloth_rigidbody.blend"), str(blend)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    job_id = farm.upload(blend, "bakes/cloth_rigidbody.blend", {"frames": "60-62"})
    stepped(blend, tmp_path / "stepped", [60])
    job = farm.wait(job_id, seconds=240)
    assert job.state is JobState.DONE, job.reason
    frames = keep_frames(farm, job, tmp_path / "farm")
    assert sorted(path.name for path in frames.iterdir()) == ["0060.png", "0061.png", "0062.png"]
    assert same_picture(frames / "0060.png", tmp_path / "stepped/0060.png")
    assert not same_picture(frames / "0060.png", tmp_path / "stepped/frozen.png")


@needs_shared_scenes
def test_smoke_of_an_old_file_is_simulated_by_the_executable(farm: LaptopFarm, tmp_path: Path) -> None:
    """The file's own material shows no smoke in any Blender of today; with a volume it is seen to rise."""
    visible, script = tmp_path / "visible.blend", tmp_path / "script.py"
    script.write_text(WITH_VOLUME)
    run_script(executable(), script, str(SCENES / "smoke.blend"), str(visible))
    options = {"engine": "cycles", "samples": "1", "frames": "8,2"}
    small = {"resolution_percentage": "10"}
    as_it_is = farm.upload(SCENES / "smoke.blend", "bakes/smoke.blend", options | small)
    with_volume = farm.upload(visible, "bakes/visible.blend", options)
    prepare = FRESH_REPLAY.replace("Tank", "Smoke Domain")
    stepped(visible, tmp_path / "stepped", [8], prepare=prepare, blender=executable())
    for job in (farm.wait(as_it_is, 240), farm.wait(with_volume, 240)):
        assert job.state is JobState.DONE, job.reason
        assert (job.bake_progress["kind"], job.blender_form) == ("fluid", "executable")
    frames = keep_frames(farm, job, tmp_path / "farm")
    assert same_picture(frames / "0008.png", tmp_path / "stepped/0008.png")
    assert not same_picture(frames / "0002.png", frames / "0008.png"), "the smoke rises"


@needs_shared_scenes
def test_smoke_without_an_executable_fails_by_name(tmp_path: Path) -> None:
    with a_farm(tmp_path, FARM_BLENDER=sys.executable, FARM_LOCAL_AGENTS="1") as modules:
        job = modules.wait(modules.upload(SCENES / "smoke.blend", "bakes/smoke.blend", {"frames": "2"}))
        assert job.state is JobState.FAILED
        assert "fluid" in job.reason
        assert "FARM_BLENDER" in job.reason
