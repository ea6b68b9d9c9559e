"""`farm watch` through a real render: on a terminal, into a pipe, as JSON, and left with Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract.job import JobState
from tests.e2e.laptop import LaptopFarm
from tests.support.terminals import on_a_terminal

FRAMES = 4
FRAME_SECONDS = 2
"""However quick the machine: long enough to be seen at work."""


@pytest.fixture(scope="module")
def slow_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "slow.blend"
    program = Path(__file__).with_name("small_scene.py")
    env = {**os.environ, "FRAME_SECONDS": str(FRAME_SECONDS)}
    command = [sys.executable, str(program), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=env)
    return path


def watch(job_id: str, *options: str) -> list[str]:
    return [sys.executable, "-P", "-m", "farm", "--farm", "local", "watch", job_id, *options]


def test_a_render_is_watched_by_four(laptop: LaptopFarm, slow_scene: Path) -> None:
    """One leaves it with Ctrl-C, and it goes on for the others: a terminal, a pipe and a program."""
    farm = laptop
    job_id = farm.upload(slow_scene, "watched/slow.blend", {"frames": f"1-{FRAMES}"})
    while not farm.farm.records.job(job_id):
        time.sleep(0.1)
    piped = subprocess.Popen(
        ["sh", "-c", f"{' '.join(watch(job_id))} | cat"], env=farm.env, stdout=subprocess.PIPE, text=True
    )
    program = subprocess.Popen(watch(job_id, "--json"), env=farm.env, stdout=subprocess.PIPE, text=True)
    with on_a_terminal(watch(job_id), farm.env) as staying, on_a_terminal(watch(job_id), farm.env) as leaving:
        leaving.read_until(lambda said: f"of {FRAMES} frames" in said)
        leaving.press_ctrl_c()
        assert leaving.wait() == 130
        _leaves_it_running(leaving.said, job_id)
        left = farm.farm.records.job(job_id)
        assert left
        assert not left.state.ended, "it goes on"
        assert staying.wait() == 0
    _is_a_live_page(staying.said, job_id)
    _is_plain(piped.communicate(timeout=60)[0], job_id)
    _is_json(program.communicate(timeout=60)[0], job_id)
    assert (piped.returncode, program.returncode) == (0, 0)


def _leaves_it_running(said: str, job_id: str) -> None:
    assert f"stopped watching {job_id}: it goes on" in _without_controls(said)
    assert "Traceback" not in said
    assert said.endswith("\x1b[2K"), "the page is wiped away"


def _is_a_live_page(said: str, job_id: str) -> None:
    counts = [int(count) for count in re.findall(rf"(\d+) of {FRAMES} frames", said)]
    assert counts == sorted(counts), "the bar never goes back"
    assert len(set(counts)) >= 3, "it moves as frames are done"
    filled = {line.count("━") for line in re.findall("\x1b\\[38;5;197m(━+)", said)}
    assert len(filled) >= 2, "so does its filled part"
    workers = re.findall(r"(local-\w+) +frame (\d) for", _without_controls(said))
    assert {int(frame) for _, frame in workers} & set(range(1, FRAMES + 1)), (
        "a line says which frame it is at"
    )
    assert f"last done: frame {FRAMES - 1}" in said
    assert f"{job_id} is done: {FRAMES} frames" in _without_controls(said)


def _is_plain(said: str, job_id: str) -> None:
    assert "\x1b" not in said
    lines = said.splitlines()
    steps = [line for line in lines if line.startswith("rendering: ")]
    assert len(steps) >= 3
    assert len(steps) == len(set(steps)), "a line for each change"
    assert lines[-1].startswith(f"{job_id} is done: {FRAMES} frames")


def _is_json(said: str, job_id: str) -> None:
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["job_id"] for line in lines} == {job_id}
    assert lines[-1]["state"] == JobState.DONE
    ended = [frame["frame"] for line in lines for frame in line["ended_frames"]]
    assert ended == list(range(1, FRAMES + 1)), "each frame once"
    assert any(line["workers"] for line in lines)


def _without_controls(said: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
