"""Scenes that nobody here made, through the whole farm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract.job import JobState
from tests.e2e.laptop import ROOT, LaptopFarm
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


def test_a_scene_without_a_camera_fails_by_that_name(laptop: LaptopFarm) -> None:
    job = laptop.wait(laptop.upload(SCENES / "cloth_rigidbody.blend", "shared/cloth_rigidbody.blend"))
    assert job.state is JobState.FAILED
    assert "no camera" in job.reason
