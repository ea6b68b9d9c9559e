"""What the frames tried on this computer tell of a worker's, and what stays uncertain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.runtimes import RuntimeSpec
from farm.estimate import trial
from farm.estimate.frame_cost import FrameTime
from farm.estimate.sampler import SceneFacts
from farm.plain_errors import PlainError

FACTS = SceneFacts(
    frame_start=1,
    frame_end=8,
    frame_step=1,
    engine="CYCLES",
    percent=100,
    pixels=1000,
    samples=64,
    adaptive=False,
    time_limit_seconds=0.0,
    open_seconds=2.0,
    blender_version="4.5.15",
    file_version="4.5.1",
    simulations=(),
    scripts_left_out=False,
)
SCALED = {1: FrameTime(seconds=10, whole=False), 4: FrameTime(seconds=10, whole=False)}


def test_a_quicker_worker_takes_less_but_for_a_time_limit() -> None:
    here = trial.basis_of(FACTS, 8, SCALED, 1).frame_seconds
    quick = trial.basis_of(FACTS, 8, SCALED, 2).frame_seconds
    assert quick == here.times(0.5)
    limited = replace(FACTS, time_limit_seconds=9.0)
    assert trial.basis_of(limited, 8, SCALED, 2).frame_seconds.likely == 10


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"adaptive": True}, "may stop before its 64 samples"),
        ({"scripts_left_out": True}, "was not run here"),
        ({"simulations": ("Sheet",)}, "baking the physics (Sheet)"),
        ({"engine": "BLENDER_EEVEE"}, "graphics card"),
        ({"file_version": "5.2.3"}, "newer Blender, 5.2.3"),
        ({"time_limit_seconds": 3.0}, "time limit"),
    ],
)
def test_what_is_not_certain_is_said(facts: dict[str, Any], words: str) -> None:
    plain = trial.basis_of(FACTS, 8, SCALED, 1)
    found = trial.basis_of(replace(FACTS, **facts), 8, SCALED, 1)
    assert not any(words in each for each in plain.words)
    assert any(words in each for each in found.words)
    if "adaptive" in facts:
        assert found.frame_seconds.low < plain.frame_seconds.low


def test_the_blender_that_tries() -> None:
    here = (
        RuntimeSpec(version="4.5.15", path="/x/python"),
        RuntimeSpec(version="4.10.1", path="/x/blender"),
        RuntimeSpec(version="5.2.3", wheel_python="/x/python3.13"),
    )
    assert trial.choose_blender(here, None).version == "4.10.1"
    assert trial.choose_blender(here, "4.5").version == "4.5.15"
    with pytest.raises(PlainError, match=r"no Blender 4.1 on this computer.*4\.10\.1"):
        trial.choose_blender(here, "4.1")


@pytest.mark.parametrize(
    ("file", "readable"),
    [
        ("home/ann/film/a.blend", "home/ann/film"),
        ("home/ann/a.blend", "home/ann/a.blend"),
        ("home/a.blend", "home/a.blend"),
        ("a.blend", "a.blend"),
        ("media/a.blend", "media"),
    ],
)
def test_a_whole_home_is_never_shown_to_the_file(file: str, readable: str, tmp_path: Path) -> None:
    assert trial.readable_of(tmp_path / file, tmp_path / "home/ann") == tmp_path / readable
