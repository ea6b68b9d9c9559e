"""`python -m bench.render` with a real farm, agent and Blender: it measures, and leaves nothing running."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil

from farm.local.environment import MARKER
from farm.local.settings import ROOT

FRAMES = 4


def test_frames_of_the_farm_and_of_raw_blender_are_measured_in_one_run(tmp_path: Path) -> None:
    asked = f"--scenes trivial --rounds 1 --everybody-rounds 0 --frames {FRAMES} --samples 4".split()
    command = [sys.executable, "-m", "bench.render", *asked, "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]

    found = json.loads((tmp_path / "render.json").read_text())
    (runs,) = found["scenes"]["trivial"]["rounds"]
    raw, ours = runs["raw Blender"], runs["one agent"]
    for run in (raw, ours):
        assert run["frames"] == FRAMES
        assert run["blender_seconds"] > 0
        assert 0 < run["frames_seconds"] < run["seconds"]
        assert len(list(Path(run["pictures"]).glob("*.png"))) == FRAMES
        assert run["processor"]["blender"] > 0
    assert set(ours["processor"]) == {"agent", "decoder", "emulator", "blender"}
    assert ours["calls"]["PutObject"] >= FRAMES
    assert found["verdicts"][0]["words"] in done.stdout
    assert not [process for process in psutil.process_iter() if belongs_to(process, tmp_path)]


def belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(process.environ().get(MARKER)).startswith(str(folder))
    except psutil.Error:
        return False
