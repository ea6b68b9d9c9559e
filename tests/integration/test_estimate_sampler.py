"""The Blender that tries frames for an estimate: what it says of a file, and what it leaves alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contract.runtimes import RuntimeSpec
from farm.estimate.frame_cost import Setting
from farm.estimate.sampler import SampleError, a_sampler
from tests.support.blender import copied_scene
from tests.support.blender_children import run_in_blender

HERE = RuntimeSpec(version="4.5.15", path=sys.executable)


def test_what_is_to_be_rendered_with_the_jobs_options(tmp_path: Path) -> None:
    blend = copied_scene("two_scenes", tmp_path)
    with a_sampler(HERE, tmp_path) as sampler:
        plain = sampler.open(blend, {})
        asked = sampler.open(
            blend, {"scene": "Second", "samples": 7, "resolution_percentage": 200, "engine": "CYCLES"}
        )
    assert (plain.frame_start, plain.frame_end, plain.samples, plain.pixels) == (1, 6, 1, 32 * 32)
    assert (asked.frame_end, asked.samples, asked.percent, asked.pixels) == (77, 7, 200, 64 * 64)
    assert (plain.engine, plain.adaptive, plain.simulations) == ("CYCLES", False, ())
    assert not plain.scripts_left_out


@pytest.mark.parametrize("name", ["file_output", "video", "cloth"])
def test_nothing_is_written_beside_the_file(name: str, tmp_path: Path) -> None:
    blend = copied_scene(name, tmp_path)
    before = blend.read_bytes()
    with a_sampler(HERE, tmp_path) as sampler:
        facts = sampler.open(blend, {})
        timed = sampler.render(3, Setting(percent=50, samples=2))
    assert (timed.pixels, timed.samples) == (16 * 16, 2)
    assert timed.seconds > 0
    assert [path.name for path in tmp_path.rglob("*")] == [blend.name]
    assert blend.read_bytes() == before
    assert not Path("/farm_escape_absolute").exists()
    assert bool(facts.simulations) == (name == "cloth")


def test_what_blender_says_is_passed_on(tmp_path: Path) -> None:
    blend = copied_scene("no_camera", tmp_path)
    with a_sampler(HERE, tmp_path) as sampler:
        sampler.open(blend, {})
        with pytest.raises(SampleError, match=r"[Cc]amera"):
            sampler.render(1, Setting(percent=100, samples=1))
        with pytest.raises(SampleError, match="nosuch"):
            sampler.open(blend, {"scene": "nosuch"})


def test_a_blender_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    blend = copied_scene("plain", tmp_path)
    with (
        a_sampler(HERE, tmp_path, patience_seconds=0.2) as sampler,
        pytest.raises(SampleError, match="ended while"),
    ):
        sampler.open(blend, {})
        sampler.render(1, Setting(percent=1000, samples=1_000_000))


def test_a_files_python_does_not_run_and_that_is_said(tmp_path: Path) -> None:
    blend = tmp_path / "scripted.blend"
    run_in_blender("tests.support.scripted_scene", str(blend))
    with a_sampler(HERE, blend) as sampler:
        scripted = sampler.open(blend, {})
    assert (scripted.frame_end, scripted.scripts_left_out) == (6, True)
