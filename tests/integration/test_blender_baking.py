"""Physics: baked once, then any frame alone looks as if all frames before had been played."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.blender import SECONDS, copied_scene, render, same_picture, start_session
from worker_agent.blender import BakeProgress

LAST = 12
# What Blender itself does when somebody steps through the timeline and renders.
STEP_THROUGH = """
import bpy, os, sys
blend, last, picture = sys.argv[1], int(sys.argv[2]), sys.argv[3]
bpy.ops.wm.open_mainfile(filepath=blend)
scene = bpy.context.scene
for frame in range(1, last + 1):
    scene.frame_set(frame)
scene.render.filepath = picture
bpy.ops.render.render(write_still=True)
sys.stdout.flush()
os._exit(0)
"""


def stepped(blend: Path, last: int, picture: Path) -> Path:
    command = [sys.executable, "-c", STEP_THROUGH, str(blend), str(last), str(picture)]
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    return picture


@pytest.fixture(scope="module")
def baked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[BakeProgress]]:
    folder = tmp_path_factory.mktemp("bake")
    steps: list[BakeProgress] = []
    with start_session(folder) as session:
        report = session.open(copied_scene("cloth", folder / "source"), {}, SECONDS)
        assert report.needs_bake
        assert {(item.kind, item.object, item.ready) for item in report.simulations} == {
            ("cloth", "Sheet", False),
            ("rigid_body", "Scene", False),
        }
        session.bake(LAST, folder / "half/project.blend", steps.append, SECONDS)
    # The farm publishes by renaming the folder: nothing in it may hang on where it was made.
    shutil.move(folder / "half", folder / "published")
    return folder / "published/project.blend", steps


def test_a_frame_alone_equals_playing_all_frames_before(
    baked: tuple[Path, list[BakeProgress]], tmp_path: Path
) -> None:
    reference = stepped(copied_scene("cloth", tmp_path / "source"), LAST, tmp_path / "stepped.png")
    with start_session(tmp_path / "baked") as session:
        report = session.open(baked[0], {}, SECONDS)
        assert not report.needs_bake
        assert all(item.ready for item in report.simulations)
        render(session, [LAST, 5], tmp_path / "out")
    with start_session(tmp_path / "unbaked") as session:
        session.open(tmp_path / "source/cloth.blend", {}, SECONDS)
        render(session, [LAST], tmp_path / "frozen")
    assert same_picture(reference, tmp_path / f"out/{LAST:04d}.png")
    assert not same_picture(reference, tmp_path / f"frozen/{LAST:04d}.png")
    assert not same_picture(reference, tmp_path / "out/0005.png")


def test_the_cache_lies_beside_the_project_and_ends_at_the_last_frame_wanted(
    baked: tuple[Path, list[BakeProgress]],
) -> None:
    project = baked[0]
    assert sorted(path.name for path in project.parent.iterdir()) == ["blendcache_project", "project.blend"]
    numbers = {path.name.split("_")[1] for path in (project.parent / "blendcache_project").iterdir()}
    assert max(numbers) == f"{LAST:06d}"


def test_progress_names_kind_object_and_frame(baked: tuple[Path, list[BakeProgress]]) -> None:
    cloth = [step for step in baked[1] if step.kind == "cloth"]
    assert {(step.object, step.last_frame) for step in cloth} == {("Sheet", LAST)}
    assert set(range(2, LAST + 1)) <= {step.frame for step in cloth}
    assert any(step.kind == "rigid_body" for step in baked[1])


def test_a_cache_whose_files_are_gone_is_not_believed(tmp_path: Path) -> None:
    with start_session(tmp_path) as session:
        report = session.open(copied_scene("lost_cache", tmp_path), {}, SECONDS)
        cloth = next(item for item in report.simulations if item.kind == "cloth")
        assert not cloth.ready
        assert report.needs_bake
        session.bake(5, tmp_path / "baked/project.blend", lambda step: None, SECONDS)
        again = session.open(tmp_path / "baked/project.blend", {}, SECONDS)
    assert not again.needs_bake
    assert len(list((tmp_path / "baked/blendcache_project").iterdir())) >= 5


def test_what_renders_hide_still_holds_up_the_cloth(tmp_path: Path) -> None:
    reference = stepped(copied_scene("hidden_collider", tmp_path / "a"), LAST, tmp_path / "stepped.png")
    with start_session(tmp_path) as session:
        session.open(copied_scene("hidden_collider", tmp_path / "source"), {}, SECONDS)
        session.bake(LAST, tmp_path / "baked/project.blend", lambda _: None, SECONDS)
        session.open(tmp_path / "baked/project.blend", {}, SECONDS)
        render(session, [LAST], tmp_path / "out")
    assert same_picture(tmp_path / f"out/{LAST:04d}.png", reference)


def test_a_simulation_that_nothing_shows_is_not_baked(tmp_path: Path) -> None:
    with start_session(tmp_path) as session:
        report = session.open(copied_scene("shelved_cloth", tmp_path / "source"), {}, SECONDS)
    assert report.simulations == ()
    assert not report.needs_bake
